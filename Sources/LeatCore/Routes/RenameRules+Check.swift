extension RenameRules {
    /// What there is on the source for rules to name.
    public struct Subjects: Sendable {
        /// A followed table.
        public struct Table: Sendable {
            public var route: TableRoute
            /// See ``RenameRules/route(of:formerly:)``.
            public var former: TableName?
            /// All that it has, or has had.
            public var columns: [String]

            public init(route: TableRoute, former: TableName?, columns: [String]) {
                self.route = route
                self.former = former
                self.columns = columns
            }

            fileprivate func isNamed(_ name: TableName) -> Bool {
                route.source == name || former == name
            }
        }

        public var tables: [Table]
        /// Sequences and partitions: they have no columns that a rule could name.
        public var others: [TableName]
        /// Tables that the stream has followed, and follows no longer.
        public var gone: [TableName]

        public init(tables: [Table], others: [TableName] = [], gone: [TableName] = []) {
            self.tables = tables
            self.others = others
            self.gone = gone
        }

        fileprivate var names: [TableName] {
            tables.map(\.route.source) + tables.compactMap(\.former) + others + gone
        }
    }

    /// - Throws: ``Halt`` (exit code 6) if a rule names nothing, or if two tables would go to one.
    public func check(_ subjects: Subjects) throws(Halt) {
        guard !isEmpty else { return }
        let wrong = rules.filter { !names($0, among: subjects) }
        guard wrong.isEmpty else { throw RenameRules.halt(wrong, among: subjects) }
        let sources: [TableName: [TableRoute]] = Dictionary(
            grouping: subjects.tables.map(\.route), by: \.target)
        let crowded = sources.keys.filter { sources[$0, default: []].count > 1 }
        guard let target = crowded.min() else { return }
        let crowd = sources[target, default: []].map(\.source).sorted()
        let other = TableName(schema: target.schema, name: target.name + "_2")
        throw Halt(
            .preflight,
            """
            Several tables would go to table \(target) of the target: \
            \(NameList.text(crowd.map(\.description))).
            """,
            advice: """
                Give one of them another name, such as --rename \
                \(RenameRules.word(crowd[0], as: other)), \
                or leave it out with --exclude.
                """)
    }

    private func names(_ rule: RenameRule, among subjects: Subjects) -> Bool {
        switch rule.subject {
        case .schema(let name, as: _):
            subjects.names.contains { $0.schema.isSameName(as: name) }
        case .table(let name, as: _): subjects.names.contains(name)
        case .column(let column, of: let table, as: _):
            subjects.gone.contains(table)
                || subjects.tables.contains { subject in
                    subject.isNamed(table)
                        && subject.columns.contains { $0.isSameName(as: column) }
                }
        }
    }

    // MARK: What one may have been meant for

    private static func halt(_ rules: [RenameRule], among subjects: Subjects) -> Halt {
        let found = rules.map { (rule: $0, near: near($0, among: subjects)) }
        let list = found.map { rule, near in
            near.isEmpty ? rule.text : "\(rule.text) (near: \(near.joined(separator: ", ")))"
        }
        let advice = found.flatMap { rule, near in
            near.map { name in
                "Perhaps: --rename \(ShellText.word("\(name)=\(target(of: rule))"))"
            }
        }
        return Halt(
            .preflight,
            "These renames name nothing that is followed: \(NameList.text(list, separator: "; ")).",
            advice: advice.isEmpty
                ? "A rename has the source's names before the =, and the target's behind it."
                : advice.joined(separator: "\n"))
    }

    private static func near(_ rule: RenameRule, among subjects: Subjects) -> [String] {
        switch rule.subject {
        case .schema(let name, as: _):
            // As tables of one schema they are compared as tables are.
            return name.nearMisses(among: Set(subjects.names.map(\.schema)).sorted())
                .map(TablePattern.text(ofName:))
        case .table(let name, as: _):
            return name.nearMisses(among: subjects.names).map(TablePattern.text(of:))
        case .column(let column, of: let table, as: _):
            guard let subject = subjects.tables.first(where: { $0.isNamed(table) }) else {
                return table.nearMisses(among: subjects.tables.map(\.route.source)).map {
                    "\(TablePattern.text(of: $0)).\(TablePattern.text(ofName: column))"
                }
            }
            return column.nearMisses(among: subject.columns).map {
                "\(TablePattern.text(of: table)).\(TablePattern.text(ofName: $0))"
            }
        }
    }

    private static func target(of rule: RenameRule) -> String {
        switch rule.subject {
        case .schema(_, as: let name), .column(_, of: _, as: let name):
            TablePattern.text(ofName: name)
        case .table(_, as: let name): TablePattern.text(of: name)
        }
    }

    private static func word(_ from: TableName, as to: TableName) -> String {
        ShellText.word("\(TablePattern.text(of: from))=\(TablePattern.text(of: to))")
    }
}
