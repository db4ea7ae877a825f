internal import PGWire

/// All of `--rename`: from the source's names to the target's. Nothing given, every name stays.
public struct RenameRules: Sendable {
    public private(set) var rules: [RenameRule] = []

    public init() {}

    /// - Parameter texts: As they were given; each may have several, with commas between them.
    /// - Throws: ``Halt`` (exit code 2) for what is no rule, and for rules that contradict one
    ///   another.
    public init(_ texts: [String]) throws(Halt) {
        for text in texts.flatMap({ TablePattern.texts(in: $0) }) {
            guard let rule = RenameRule(text) else {
                throw Halt(
                    .configuration, "--rename \"\(PrintedText.line(text))\" is no rename.",
                    advice: """
                        Write schema=name, schema.table=schema.table or schema.table.column=name, \
                        without wildcards; what is in double quotes stands for itself: \
                        'public."Order.Items"=app.items'.
                        """)
            }
            try check(rule)
            rules.append(rule)
        }
    }

    public var isEmpty: Bool { rules.isEmpty }

    /// As options of a command.
    public var words: [String] { rules.flatMap { ["--rename", $0.text] } }

    private func check(_ rule: RenameRule) throws(Halt) {
        if RenameRules.isLeats(rule) {
            throw Halt(
                .configuration, "--rename \(rule.line) is about schema leat, which is Leat's own.")
        }
        for other in rules where other.isAboutSame(as: rule) {
            throw Halt(
                .configuration,
                "--rename names \(rule.words) twice: \(other.line) and \(rule.line).",
                advice: "Leave one of them out.")
        }
        for other in rules where other.leadsToSame(as: rule) {
            throw Halt(
                .configuration,
                """
                --rename gives \(other.words) and \(rule.words) the same name: \(other.line) and \
                \(rule.line).
                """, advice: "Choose another name for one of them.")
        }
    }

    private static func isLeats(_ rule: RenameRule) -> Bool {
        switch rule.subject {
        case .schema(let from, as: let to): from == "leat" || to == "leat"
        case .table(let from, as: let to): from.schema == "leat" || to.schema == "leat"
        case .column(_, of: let table, as: _): table.schema == "leat"
        }
    }

    // MARK: Where things go

    /// The target's name of a table, partition or sequence.
    public func target(of name: TableName) -> TableName {
        named(name) ?? TableName(schema: target(ofSchema: name.schema), name: name.name)
    }

    /// What a rule says of this very name.
    private func named(_ name: TableName) -> TableName? {
        for case .table(let from, as: let to) in rules.map(\.subject) where from == name {
            return to
        }
        return nil
    }

    private func target(ofSchema name: String) -> String {
        for case .schema(let from, as: let to) in rules.map(\.subject)
        where from.isSameName(as: name) { return to }
        return name
    }

    /// The way of a table.
    ///
    /// - Parameter former: What it was called on the source when the stream took it up, if it is
    ///   called otherwise now: a rule that names it so is still meant for it, unless one names it
    ///   as it is called now. A schema's rule looks at the name of now.
    public func route(of name: TableName, formerly former: TableName? = nil) -> TableRoute {
        guard !isEmpty else { return TableRoute(name) }
        var columns = self.columns(of: name)
        for column in former.map(self.columns) ?? []
        where !columns.contains(where: { $0.source.isSameName(as: column.source) }) {
            columns.append(column)
        }
        return TableRoute(
            name, target: named(name) ?? former.flatMap(named) ?? target(of: name),
            renamed: columns)
    }

    private func columns(of table: TableName) -> [TableRoute.Column] {
        rules.compactMap { rule in
            guard case .column(let from, of: table, as: let to) = rule.subject else { return nil }
            return TableRoute.Column(source: from, target: to)
        }
    }
}
