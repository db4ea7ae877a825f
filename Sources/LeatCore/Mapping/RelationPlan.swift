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
            throw Halt.doubtful(routes.route.source, routes.ambiguous.map { .remade(column: $0) })
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
            throw Halt.doubtful(routes.route.source, matcher.doubts)
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

/// Matches one relation's columns and collects what does not fit.
private struct ColumnMatcher {
    let sourceTypes: TypeCatalog
    let target: TargetTable
    let targetTypes: TypeCatalog
    let routes: ColumnRoutes
    let retyping: Retyping
    let isEmptied: Bool
    let computed: Set<String>
    let checksLabels: Bool
    var problems: [String] = []
    var mends: [String] = []
    var doubts: [DefinitionChange.Doubt] = []
    /// Columns of the target whose type has to change.
    private var mismatched: Set<String> = []
    /// Those of them for which the mends say so.
    private var retyped: [String] = []
    /// Those of them whose rows the source has rewritten.
    private var rewritten: [String] = []
    /// The problems that a copy mends, for the target's column takes the new values as it is.
    private var taken: [Int] = []

    init(
        sourceTypes: TypeCatalog, target: TargetTable, targetTypes: TypeCatalog,
        routes: ColumnRoutes, retyping: Retyping, isEmptied: Bool, computed: Set<String>,
        checksLabels: Bool
    ) {
        self.sourceTypes = sourceTypes
        self.target = target
        self.targetTypes = targetTypes
        self.routes = routes
        self.retyping = retyping
        self.isEmptied = isEmptied
        self.computed = computed
        self.checksLabels = checksLabels
    }

    mutating func match(
        _ column: RelationColumn, to name: String, at index: Int
    ) -> RelationPlan.Column {
        let now = routes.current[index]
        guard !routes.leavesOut(index) else { return leaveOut(column, name) }
        guard !routes.isReplaced(column.name) else { return replace(column, name, at: index) }
        // What is about to get another name leaves room for a new one.
        guard let found = target.columns.first(where: { $0.name.isSameName(as: name) }),
            !routes.isLeaving(found.name) || routes.isOwed(name)
        else {
            if !routes.isOwed(name) { add(column, as: name) }
            return RelationPlan.Column(name: name, typeOID: 0, isIdentityAlways: false)
        }
        // What has the name now is another column until the owed renames are done.
        guard !routes.isOwed(name) else {
            return RelationPlan.Column(name: name, typeOID: 0, isIdentityAlways: false)
        }
        if found.isGenerated {
            problems.append(
                "column \(column.name) is generated on the target, but the source sends its values")
            mends.append(
                "alter table \(target.name.quoted) alter column "
                    + "\(SQLText.identifier(found.name)) drop expression;")
        } else {
            checkType(column, found, now)
            checkRetyped(column, at: index, found)
        }
        return RelationPlan.Column(
            name: found.name, typeOID: found.typeOID,
            isIdentityAlways: found.identity == .always,
            domainBase: targetTypes[found.typeOID].flatMap(domainBase))
    }

    private mutating func leaveOut(
        _ column: RelationColumn, _ name: String
    ) -> RelationPlan.Column {
        if column.isKey {
            problems.append("column \(column.name) is a part of the key, and gone on the target")
        }
        return RelationPlan.Column(
            name: name, typeOID: 0, isIdentityAlways: false, isLeftOut: true)
    }

    private mutating func replace(
        _ column: RelationColumn, _ name: String, at index: Int
    ) -> RelationPlan.Column {
        let first = problems.count
        if let found = target.columns.first(where: { $0.name.isSameName(as: name) }) {
            var trial = self
            trial.checkType(column, found, routes.current[index])
            // A copy can fill the old one.
            if trial.problems.count == first { taken += [first, first + 1] }
        }
        problems.append("column \(column.name) was dropped and made again on the source")
        mends.append(
            "alter table \(target.name.quoted) drop column \(SQLText.identifier(name));")
        add(column, as: name)
        return RelationPlan.Column(name: name, typeOID: 0, isIdentityAlways: false)
    }

    /// A type that was changed together with the rows: the target's column has to follow, even if
    /// it takes the new values as it is.
    private mutating func checkRetyped(
        _ column: RelationColumn, at index: Int, _ found: TargetTable.Column
    ) {
        guard let number = routes.numbers[index], let earlier = routes.earlier[index],
            earlier.typeOID != column.typeOID || earlier.typeModifier != column.typeModifier,
            retyping.numbers.contains(number),
            retyping.targets[number] == TableDefinition.TargetType(found)
        else { return }
        let definition = definition(column)
        guard !isOfType(of: column, found) else {
            return doubts.append(.retyped(column: column.name, type: definition))
        }
        rewritten.append(found.name)
        guard mismatched.insert(found.name).inserted else { return }
        taken.append(problems.count)
        problems.append(
            "column \(column.name) is \(definition) on the source, by an ALTER that rewrote its "
                + "rows, and \(found.definition) on the target")
        mends += creation.statements(for: column.typeOID)
        mends.append(retyping(column, found))
    }

    /// A default of another type stands in the way of a cast.
    private mutating func retyping(
        _ column: RelationColumn, _ found: TargetTable.Column
    ) -> String {
        guard !isEmptied || column.isKey || mayCast(found, to: column) else {
            let name = SQLText.identifier(found.name)
            return "alter table \(target.name.quoted) drop column \(name), "
                + "add column \(name) \(definition(column));"
        }
        retyped.append(found.name)
        let (using, name) = (using(column, found), SQLText.identifier(found.name))
        var steps = ["alter column \(name) type \(definition(column))\(using)"]
        if !using.isEmpty, found.hasDefault {
            steps.insert("alter column \(name) drop default", at: 0)
            if let text = routes.source[column.name]?.defaultExpression {
                steps.append("alter column \(name) set default \(text)")
            }
        }
        return "alter table \(target.name.quoted) \(steps.joined(separator: ", "));"
    }

    /// Whether values of the target's column may become those of another type. Between built-in
    /// types of different categories there is no cast but to text, and what a text says is not known.
    private func mayCast(_ found: TargetTable.Column, to column: RelationColumn) -> Bool {
        guard let new = sourceTypes[column.typeOID], let old = targetTypes[found.typeOID] else {
            return false
        }
        return new.isBuiltIn && old.isBuiltIn
            && (new.category == "S" || new.category == old.category)
    }

    /// Where there may be no cast by assignment, the text form is the way: of built-in types numbers
    /// become numbers, dates dates, and anything a text.
    private func using(_ column: RelationColumn, _ found: TargetTable.Column) -> String {
        if let zoned = zoned(column, found) { return zoned }
        guard let source = sourceTypes[column.typeOID], let target = targetTypes[found.typeOID]
        else { return "" }
        let isAssigned =
            source.isBuiltIn && target.isBuiltIn
            && (source.category == "S"
                || ["N", "D"].contains(source.category)
                    && source.category == target.category)
        guard !isAssigned else { return "" }
        return " using \(SQLText.identifier(found.name))::text::\(definition(column))"
    }

    private func isOfType(of column: RelationColumn, _ found: TargetTable.Column) -> Bool {
        guard let source = sourceTypes[column.typeOID], let type = targetTypes[found.typeOID] else {
            return false
        }
        return source.schema.isSameName(as: type.schema) && source.name.isSameName(as: type.name)
            && column.typeModifier == found.typeModifier
    }

    /// From a time without a zone to one with: the zone of the session that altered the source
    /// decided.
    private func zoned(_ column: RelationColumn, _ found: TargetTable.Column) -> String? {
        guard sourceTypes[column.typeOID]?.name == "timestamptz",
            let now = targetTypes[found.typeOID],
            now.isBuiltIn, ["timestamp", "date"].contains(now.name)
        else { return nil }
        return " using \(SQLText.identifier(found.name))::timestamp at time zone 'UTC'"
    }

    private func domainBase(_ type: CatalogType) -> String? {
        guard type.kind == .domain else { return nil }
        let base = targetTypes.base(type, modifier: -1).type
        return "\(SQLText.identifier(base.schema)).\(SQLText.identifier(base.name))"
    }

    /// A column added with a constant default gave that value to the rows that were there, and
    /// sends nothing of it.
    private mutating func add(_ column: RelationColumn, as name: String) {
        problems.append("column \(name) is missing on the target")
        mends += creation.statements(for: column.typeOID)
        var line =
            "alter table \(target.name.quoted) add column \(SQLText.identifier(name)) "
            + definition(column)
        if let source = routes.source[column.name] {
            if let value = source.missingValue {
                line += " default \(SQLText.literal(value))" + (source.isNotNull ? " not null" : "")
            } else if let expression = source.defaultExpression {
                problems.append(
                    "column \(column.name) has the default \(expression) on the source: if it was "
                        + "added together with it, rows from before got values that are not sent, "
                        + "and the table must be copied anew: start once with --exclude "
                        + "\(routes.route.source), then again with --truncate")
            }
        }
        mends.append(line + ";")
    }

    private var creation: TypeCreation { TypeCreation(source: sourceTypes, target: targetTypes) }

    /// The target may have the source's present type already while values of the one before are
    /// still to come: what the source made of those by its ALTER, the target makes of them now,
    /// or refuses aloud.
    private func isAltered(_ now: SourceColumn?, _ found: TargetTable.Column) -> Bool {
        guard let now, let type = sourceTypes[now.typeOID],
            let targetType = targetTypes[found.typeOID]
        else { return false }
        let match = TypeMatch(
            source: .init(type: type, modifier: now.typeModifier, catalog: sourceTypes),
            target: .init(type: targetType, modifier: found.typeModifier, catalog: targetTypes))
        return match.obstacle == nil
    }

    private mutating func checkType(
        _ column: RelationColumn, _ found: TargetTable.Column, _ now: SourceColumn?
    ) {
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
        if case .lacksLabels = match, !checksLabels { return }
        guard let reason = obstacle(match, column, found, now) else { return }
        mismatched.insert(found.name)
        problems.append(
            "column \(column.name) is \(definition(column)) on the source and "
                + "\(found.definition) on the target: \(reason)")
        guard !mendParts(sourceType, targetType), !mendName(sourceType, targetType) else { return }
        mends += creation.statements(for: column.typeOID)
        guard !sourceType.isGone, !hasSameDefinition(column, found) else {
            let name = SQLText.identifier(found.name)
            mends.append("alter table \(target.name.quoted) alter column \(name) type text;")
            return
        }
        mends.append(retyping(column, found))
    }

    private func obstacle(
        _ match: TypeMatch, _ column: RelationColumn, _ found: TargetTable.Column,
        _ now: SourceColumn?
    ) -> String? {
        if let reason = match.obstacle, !isAltered(now, found) { return reason }
        guard computed.contains(column.name), !isOfType(of: column, found) else { return nil }
        return "what is generated from it is not computed there"
    }

    /// A built-in type that does not fit although it is the same: text takes its values.
    private func hasSameDefinition(_ column: RelationColumn, _ found: TargetTable.Column) -> Bool {
        column.typeOID == found.typeOID && column.typeModifier == found.typeModifier
            && targetTypes[found.typeOID]?.isBuiltIn == true
    }

    /// A type of the same name gets the labels and fields that it lacks, and those that it is
    /// made of do. False if nothing of it can be mended so.
    private mutating func mendParts(_ source: CatalogType, _ target: CatalogType) -> Bool {
        guard source.schema.isSameName(as: target.schema), source.name.isSameName(as: target.name)
        else { return false }
        let lines = TypeMending(source: sourceTypes, target: targetTypes)
            .statements(for: source.oid)
        mends += lines.filter { !mends.contains($0) }
        return !lines.isEmpty
    }

    /// A type of one's own whose name the target lacks, while it has one that the source lacks
    /// and that is made of the same, was renamed. False if it was not.
    private mutating func mendName(_ source: CatalogType, _ target: CatalogType) -> Bool {
        guard !source.isBuiltIn, !target.isBuiltIn, source.kind == target.kind,
            source.labels == target.labels,
            source.fields.map(\.definition) == target.fields.map(\.definition),
            source.schema.isSameName(as: target.schema), source.category != "A",
            targetTypes.named(source.schema, name: source.name) == nil,
            sourceTypes.named(target.schema, name: target.name) == nil
        else { return false }
        let kind = source.kind == .domain ? "domain" : "type"
        mends.append(
            "alter \(kind) \(target.quoted) rename to \(SQLText.identifier(source.name));")
        return true
    }

    private func definition(_ column: RelationColumn) -> String {
        guard let type = sourceTypes[column.typeOID] else { return "type \(column.typeOID)" }
        return type.definition(column.typeModifier)
    }

    /// A column that the stream does not send gets its default; without one it must allow NULL.
    mutating func checkUnsent() {
        let written = routes.names.indices.filter { !routes.leavesOut($0) }.map { routes.names[$0] }
        for column in target.columns
        where !written.contains(where: { $0.isSameName(as: column.name) })
            && !routes.isLeaving(column.name) && column.isNotNull && !column.hasDefault
            && !column.isGenerated && column.identity == .none
        {
            problems.append(
                "column \(column.name) of the target is not sent, is NOT NULL and has no default")
            giveUpKey(over: column)
            mends.append(
                "alter table \(target.name.quoted) alter column "
                    + "\(SQLText.identifier(column.name)) drop not null;")
        }
    }

    /// A column of the primary key cannot be NULL.
    private mutating func giveUpKey(over column: TargetTable.Column) {
        for index in target.uniqueIndexes
        where index.isPrimary && index.columns.contains(where: { $0.isSameName(as: column.name) }) {
            let line =
                "alter table \(target.name.quoted) drop constraint "
                + "\(SQLText.identifier(index.name));"
            if !mends.contains(line) { mends.append(line) }
        }
    }

    func finish(_ relation: Relation) throws(Halt) {
        let (problems, mends) = (routes.problems + problems, routes.mends + mends)
        guard !problems.isEmpty else { return }
        let list = PrintedText.line(problems.joined(separator: "; "))
        let statements = mends.isEmpty ? [] : ["On the target, for example:"] + mends
        let advice = statements + remarks(on: mends)
        var halt = Halt(
            .stoppedOnChange,
            "Table \(described(relation)) does not fit: \(list).",
            advice: advice.isEmpty ? nil : advice.joined(separator: "\n"))
        if taken.count == problems.count {
            halt.copiesAnew = [routes.route.source]
            halt.doubtReason = list
        }
        if !retyped.isEmpty { halt.retyped[target.name] = retyped }
        throw halt
    }

    /// As the stream spells it, with what it is called on the target where rules say so.
    private func described(_ relation: Relation) -> String {
        TableRoute(
            TableName(relation),
            target: routes.route.source == routes.route.target ? nil : target.name
        ).description
    }

    private func remarks(on mends: [String]) -> [String] {
        var remarks: [String] = []
        if !rewritten.isEmpty {
            remarks.append(
                """
                If the source's ALTER had a USING clause, repeat it: what it made of the rows is \
                not sent.
                """)
        }
        if mends.contains(where: { $0.contains(" at time zone 'UTC'") }) {
            remarks.append(
                """
                The zone of the session that altered the source decided: put its name in the \
                place of UTC.
                """)
        }
        return remarks
    }
}
