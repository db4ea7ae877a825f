internal import PGWire

/// Matches one relation's columns and collects what does not fit.
struct ColumnMatcher {
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
    var mismatched: Set<String> = []
    /// Those of them for which the mends say so.
    var retyped: [String] = []
    /// Those of them whose rows the source has rewritten.
    var rewritten: [String] = []
    /// The problems that a copy mends, for the target's column takes the new values as it is.
    var taken: [Int] = []

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
        guard !routes.leavesOut(index) else { return leaveOut(column, as: name) }
        guard !routes.isReplaced(column.name) else { return replace(column, as: name, at: index) }
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
            checkType(of: column, on: found, now: now)
            checkRetyped(column, at: index, on: found)
        }
        return RelationPlan.Column(
            name: found.name, typeOID: found.typeOID,
            isIdentityAlways: found.identity == .always,
            domainBase: targetTypes[found.typeOID].flatMap(domainBase))
    }

    private mutating func leaveOut(
        _ column: RelationColumn, as name: String
    ) -> RelationPlan.Column {
        if column.isKey {
            problems.append("column \(column.name) is a part of the key, and gone on the target")
        }
        return RelationPlan.Column(
            name: name, typeOID: 0, isIdentityAlways: false, isLeftOut: true)
    }

    private mutating func replace(
        _ column: RelationColumn, as name: String, at index: Int
    ) -> RelationPlan.Column {
        let first = problems.count
        if let found = target.columns.first(where: { $0.name.isSameName(as: name) }) {
            var trial = self
            trial.checkType(of: column, on: found, now: routes.current[index])
            // A copy can fill the old one.
            if trial.problems.count == first { taken += [first, first + 1] }
        }
        problems.append("column \(column.name) was dropped and made again on the source")
        mends.append(
            "alter table \(target.name.quoted) drop column \(SQLText.identifier(name));")
        add(column, as: name)
        return RelationPlan.Column(name: name, typeOID: 0, isIdentityAlways: false)
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
