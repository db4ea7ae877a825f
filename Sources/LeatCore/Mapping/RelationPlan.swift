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
        /// The target has no such column any more, and what the source sends of it goes nowhere.
        public var isLeftOut = false

        /// Written behind what is compared with the operator of an index: that is the base
        /// type's, and for a domain over an enum the server does not find it by itself.
        var comparisonCast: String { domainBase.map { "::\($0)" } ?? "" }
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

    public private(set) var relation: Relation
    public let target: TargetTable
    /// In the order of the relation's columns.
    public let columns: [Column]
    public let identity: Identity

    /// Matches columns and resolves their types.
    ///
    /// - Parameters:
    ///   - routes: Which column goes where; nil: to that of the same name.
    ///   - retyping: Of which columns the source has changed type and rows at once.
    ///   - isEmptied: Whether the target's rows go before it is copied.
    ///   - computed: Columns that a generated one of the target cannot be computed from unless they
    ///     are of the source's types.
    ///   - checksLabels: Whether an enum of the target needs all labels that the source's has now.
    ///     A change of the stream may be older than those, and one that has them is rejected.
    /// - Throws: ``Halt`` (exit code 7) that names every column that does not fit.
    public init(
        relation: Relation, sourceTypes: TypeCatalog, target: TargetTable,
        targetTypes: TypeCatalog, routes: ColumnRoutes? = nil, retyping: Retyping = Retyping(),
        isEmptied: Bool = false, computed: Set<String> = [], checksLabels: Bool = true
    ) throws(Halt) {
        let routes =
            routes ?? ColumnRoutes(relation, route: TableRoute(target.name))
        guard routes.ambiguous.isEmpty else {
            throw Halt.doubtful(
                routes.route.source, by: routes.ambiguous.map { .remade(column: $0) })
        }
        var matcher = ColumnMatcher(
            sourceTypes: sourceTypes, target: target, targetTypes: targetTypes, routes: routes,
            retyping: retyping, isEmptied: isEmptied, computed: computed,
            checksLabels: checksLabels)
        columns = relation.columns.indices.map { index in
            matcher.match(
                relation.columns[index], to: routes.names[index], at: index)
        }
        guard matcher.doubts.isEmpty else {
            throw Halt.doubtful(routes.route.source, by: matcher.doubts)
        }
        matcher.checkUnsent()
        try matcher.finish(relation)
        self.relation = relation
        self.target = target
        identity = RelationPlan.identity(of: relation, columns, in: target)
    }

    /// The same, for a relation that the source has described again without a change.
    public mutating func takeOver(_ relation: Relation) {
        self.relation = relation
    }

    private static func identity(
        of relation: Relation, _ columns: [Column], in target: TargetTable
    ) -> Identity {
        let keys = relation.columns.indices.filter { relation.columns[$0].isKey }
        // Without a key of its own a partition root may still stand for leaves that send whole
        // rows. An empty key would match any row.
        guard relation.replicaIdentity != .full, !keys.isEmpty else {
            guard let index = target.uniqueIndexes.first(where: { $0.isPrimary }),
                let positions = positions(of: index, in: columns)
            else { return .full(key: [], operators: []) }
            return .full(key: positions, operators: index.operators)
        }
        for index in target.uniqueIndexes {
            if let positions = positions(of: index, in: columns), Set(positions) == Set(keys) {
                return .key(positions, operators: index.operators)
            }
        }
        return .record(keys)
    }

    /// Where an index's columns stand in the relation; nil if one of them is not sent.
    private static func positions(
        of index: TargetTable.UniqueIndex, in columns: [Column]
    ) -> [Int]? {
        let positions = index.columns.compactMap { name in
            columns.firstIndex { !$0.isLeftOut && $0.name.isSameName(as: name) }
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
                || columns.contains { !$0.isLeftOut && $0.name.isSameName(as: column.name) }
        }
    }

    /// Indexes of the columns that the target has.
    var written: [Int] { columns.indices.filter { !columns[$0].isLeftOut } }

    /// Whether each column that is sent goes to one of the target.
    public var writesAll: Bool { columns.allSatisfy { !$0.isLeftOut } }

    /// Indexes of identity columns that an UPDATE cannot write.
    public var identityAlways: [Int] { columns.indices.filter { columns[$0].isIdentityAlways } }
}
