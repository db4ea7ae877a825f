public import PGWire

/// How the changes of one relation are written to its target table.
public struct RelationPlan: Sendable {
    public struct Column: Sendable, Hashable {
        public var name: String
        /// The target column's type: values go through its own input function.
        public var typeOID: UInt32
        /// `GENERATED ALWAYS AS IDENTITY` on the target: it can be inserted, not updated.
        public var isIdentityAlways: Bool
        /// What the target column's type is made of, quoted, if it is a domain.
        public var domainBase: String?
    }

    /// How the row of an update or delete is found.
    public enum Identity: Sendable, Hashable {
        /// By the columns at these indexes and their operators.
        case key([Int], operators: [String])
        /// By these columns compared as one record, byte for byte: there is no index to use.
        case record([Int])
        /// By all columns compared as one record, helped by a key where the target has one. Needs
        /// the whole old row.
        case full(key: [Int], operators: [String])
    }

    public let relation: Relation
    public let target: TargetTable
    /// In the order of the relation's columns.
    public let columns: [Column]
    public let identity: Identity

    /// Matches columns by name and resolves their types.
    ///
    /// - Throws: ``Halt`` (exit code 7) that names every column that does not fit.
    public init(
        relation: Relation, sourceTypes: TypeCatalog, target: TargetTable, targetTypes: TypeCatalog
    ) throws(Halt) {
        var matcher = ColumnMatcher(
            sourceTypes: sourceTypes, target: target, targetTypes: targetTypes)
        columns = relation.columns.map { matcher.match($0) }
        matcher.checkUnsent(relation)
        try matcher.finish(relation)
        self.relation = relation
        self.target = target
        identity = RelationPlan.identity(of: relation, in: target)
    }

    private static func identity(of relation: Relation, in target: TargetTable) -> Identity {
        let keys = relation.columns.indices.filter { relation.columns[$0].isKey }
        // Without a key of its own a partition root may still stand for leaves that send whole
        // rows. An empty key would match any row.
        guard relation.replicaIdentity != .full, !keys.isEmpty else {
            guard let index = target.uniqueIndexes.first(where: { $0.isPrimary }),
                let positions = positions(of: index, in: relation)
            else { return .full(key: [], operators: []) }
            return .full(key: positions, operators: index.operators)
        }
        for index in target.uniqueIndexes {
            if let positions = positions(of: index, in: relation), Set(positions) == Set(keys) {
                return .key(positions, operators: index.operators)
            }
        }
        return .record(keys)
    }

    /// Where an index's columns stand in the relation; nil if one of them is not sent.
    private static func positions(
        of index: TargetTable.UniqueIndex, in relation: Relation
    ) -> [Int]? {
        let positions = index.columns.compactMap { name in
            relation.columns.firstIndex { $0.name.isSameName(as: name) }
        }
        return positions.count == index.columns.count ? positions : nil
    }

    /// Whether a row cannot be found by less than the whole of what it was.
    public var needsWholeOldRow: Bool {
        switch identity {
        case .key, .record: false
        case .full: true
        }
    }

    /// Whether updates and deletes have no index to find their row by.
    public var scansForRows: Bool {
        switch identity {
        case .key: false
        case .record: true
        case .full(let key, _): key.isEmpty
        }
    }

    /// Whether a moved key may be applied as DELETE and INSERT: a column that the stream does
    /// not send would lose its value.
    public var canReinsert: Bool {
        target.columns.allSatisfy { column in
            column.isGenerated
                || columns.contains { $0.name.isSameName(as: column.name) }
        }
    }

    /// Indexes of identity columns that an UPDATE cannot write.
    public var identityAlways: [Int] { columns.indices.filter { columns[$0].isIdentityAlways } }
}

/// Matches one relation's columns and collects what does not fit.
private struct ColumnMatcher {
    let sourceTypes: TypeCatalog
    let target: TargetTable
    let targetTypes: TypeCatalog
    var problems: [String] = []
    var mends: [String] = []

    mutating func match(_ column: RelationColumn) -> RelationPlan.Column {
        guard let found = target.columns.first(where: { $0.name.isSameName(as: column.name) })
        else {
            problems.append("column \(column.name) is missing on the target")
            mends.append(
                "alter table \(target.name.quoted) add column \(SQLText.identifier(column.name)) "
                    + "\(definition(column));")
            return RelationPlan.Column(name: column.name, typeOID: 0, isIdentityAlways: false)
        }
        if found.isGenerated {
            problems.append(
                "column \(column.name) is generated on the target, but the source sends its values")
            mends.append(
                "alter table \(target.name.quoted) alter column "
                    + "\(SQLText.identifier(column.name)) drop expression;")
        } else {
            checkType(column, found)
        }
        return RelationPlan.Column(
            name: column.name, typeOID: found.typeOID,
            isIdentityAlways: found.identity == .always,
            domainBase: targetTypes[found.typeOID].flatMap(domainBase))
    }

    private func domainBase(_ type: CatalogType) -> String? {
        guard type.kind == .domain else { return nil }
        let base = targetTypes.base(type, -1).type
        return "\(SQLText.identifier(base.schema)).\(SQLText.identifier(base.name))"
    }

    private mutating func checkType(_ column: RelationColumn, _ found: TargetTable.Column) {
        guard let sourceType = sourceTypes[column.typeOID],
            let targetType = targetTypes[found.typeOID]
        else {
            problems.append("the type of column \(column.name) is unknown")
            return
        }
        let match = TypeMatch(
            source: .init(
                type: sourceType, modifier: column.typeModifier, catalog: sourceTypes),
            target: .init(type: targetType, modifier: found.typeModifier, catalog: targetTypes))
        guard case .incompatible(let reason) = match else { return }
        problems.append(
            "column \(column.name) is \(definition(column)) on the source and "
                + "\(found.definition) on the target: \(reason)")
        guard !mendLabels(sourceType, targetType) else { return }
        mends.append(
            "alter table \(target.name.quoted) alter column \(SQLText.identifier(column.name)) "
                + "type \(definition(column));")
    }

    /// An enum of the same name gets the labels that it lacks. False if it is none.
    private mutating func mendLabels(_ source: CatalogType, _ target: CatalogType) -> Bool {
        guard source.kind == .enum, source.schema == target.schema, source.name == target.name
        else { return false }
        let type = "\(SQLText.identifier(target.schema)).\(SQLText.identifier(target.name))"
        for label in source.labels where !target.labels.contains(label) {
            mends.append("alter type \(type) add value \(SQLText.literal(label));")
        }
        return true
    }

    /// The source's definition; a modifier is printed raw where its meaning is the type's own.
    private func definition(_ column: RelationColumn) -> String {
        guard let type = sourceTypes[column.typeOID] else { return "type \(column.typeOID)" }
        let name = type.isBuiltIn ? type.name : "\(type.schema).\(type.name)"
        return name + TypeModifier.suffix(type.name, column.typeModifier)
    }

    /// A column that the stream does not send gets its default; without one it must allow NULL.
    mutating func checkUnsent(_ relation: Relation) {
        for column in target.columns
        where !relation.columns.contains(where: { $0.name.isSameName(as: column.name) })
            && column.isNotNull && !column.hasDefault
            && !column.isGenerated && column.identity == .none
        {
            problems.append(
                "column \(column.name) of the target is not sent, is NOT NULL and has no default")
            mends.append(
                "alter table \(target.name.quoted) alter column "
                    + "\(SQLText.identifier(column.name)) drop not null;")
        }
    }

    func finish(_ relation: Relation) throws(Halt) {
        guard !problems.isEmpty else { return }
        throw Halt(
            .stoppedOnChange,
            "Table \(TableName(relation)) does not fit: \(problems.joined(separator: "; ")).",
            advice: mends.isEmpty
                ? nil : "On the target, for example:\n" + mends.joined(separator: "\n"))
    }
}
