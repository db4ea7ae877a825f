internal import PGWire

/// All of `--mask`, and the key of its hashes. Nothing given, every value is copied as it is.
public struct MaskRules: Sendable {
    public private(set) var rules: [MaskRule] = []
    /// Of `LEAT_MASK_KEY`.
    public let key: MaskKey?

    public init() {
        key = nil
    }

    /// - Parameters:
    ///   - texts: As they were given, one rule each.
    ///   - key: `LEAT_MASK_KEY`; nil or empty where it is not set.
    /// - Throws: ``Halt`` (exit code 2) for what is no rule, for two of one column, and for `hash`
    ///   without a key.
    public init(_ texts: [String], key: String?) throws(Halt) {
        self.key = key.flatMap { $0.isEmpty ? nil : MaskKey($0) }
        for text in texts { try add(text) }
        guard self.key == nil, let rule = rules.first(where: { $0.function == .hash }) else {
            return
        }
        throw Halt(
            .configuration,
            "--mask \(PrintedText.line(rule.text)) needs a key, and LEAT_MASK_KEY is not set.",
            advice: """
                Set it in the environment, to something long that is kept: the same key makes the \
                same hashes, at later starts and for other tables.
                """)
    }

    private mutating func add(_ text: String) throws(Halt) {
        guard let rule = MaskRule(text) else {
            throw Halt(
                .configuration, "--mask \"\(PrintedText.line(text))\" is no mask.",
                advice: """
                    Write schema.table.column=null, =hash or =text:VALUE, without wildcards; what is \
                    in double quotes stands for itself: 'public."Order.Items".note=text:none'.
                    """)
        }
        guard rule.table.schema != "leat" else {
            throw Halt(
                .configuration,
                """
                --mask \(PrintedText.line(rule.text)) is about schema leat, which is Leat's own.
                """)
        }
        if let other = rules.first(where: { $0.isAboutSame(as: rule) }) {
            throw Halt(
                .configuration,
                """
                --mask names \(PrintedText.line(rule.subject)) twice: \
                \(PrintedText.line(other.text)) and \(PrintedText.line(rule.text)).
                """, advice: "Leave one of them out.")
        }
        rules.append(rule)
    }

    public var isEmpty: Bool { rules.isEmpty }

    /// Those for one table.
    public func only(for table: TableName) -> MaskRules {
        var some = self
        some.rules = rules(for: [table])
        return some
    }

    /// As options of a command.
    public var words: [String] { rules.flatMap { ["--mask", $0.text] } }

    /// The rules for a table, the nearest first.
    ///
    /// - Parameter names: Its own, the one it had when the stream took it up, and those of the tables
    ///   that it is a partition of.
    public func rules(for names: [TableName]) -> [MaskRule] {
        var found: [MaskRule] = []
        for name in names {
            found += rules.filter { rule in
                rule.table == name
                    && !found.contains { $0.column.isSameName(as: rule.column) }
            }
        }
        return found
    }
}
