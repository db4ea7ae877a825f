internal import PGWire

extension MaskRules {
    /// A followed table, as far as rules may name it.
    public struct Subject: Sendable {
        /// On the source, as it is called now.
        public var table: TableName
        /// Under which rules may name it: that, what it was called when the stream took it up, and
        /// what it is a partition of.
        public var names: [TableName]
        /// What is sent.
        public var columns: [SourceColumn]
        /// Generated columns, of which no value is sent.
        public var generated: [String]
        /// What the stream knows of it; empty for one that it has not met.
        public var known: KnownColumns

        public init(
            _ table: TableName, names: [TableName], columns: [SourceColumn],
            generated: [String] = [], known: KnownColumns = KnownColumns()
        ) {
            self.table = table
            self.names = names
            self.columns = columns
            self.generated = generated
            self.known = known
        }

        /// The number of the column that a rule names: as it is called now, or as both sides have
        /// known it, if that name is free. 0 for one that the source has dropped.
        fileprivate func number(of column: String) -> Int? {
            if let found = columns.first(where: { $0.name.isSameName(as: column) }) {
                return found.number
            }
            return known.numbers.first { known[$0]?.name.isSameName(as: column) == true }
                .map { number in columns.contains { $0.number == number } ? number : 0 }
        }

        fileprivate func has(_ rule: MaskRule) -> Bool {
            names.contains(rule.table)
                && (number(of: rule.column) != nil
                    || generated.contains { $0.isSameName(as: rule.column) })
        }
    }

    /// With what the columns of a table are masked.
    ///
    /// - Throws: ``Halt`` (exit code 6) for a column of which no value is sent, and for a hash of a
    ///   type that takes none.
    public func masks(of subject: Subject, types: TypeCatalog) throws(Halt) -> StoredMasks {
        var masks = StoredMasks()
        var problems: [String] = []
        for rule in rules(for: subject.names) {
            guard let number = subject.number(of: rule.column) else {
                if subject.generated.contains(where: { $0.isSameName(as: rule.column) }) {
                    problems.append(
                        "column \(PrintedText.line(rule.column)) is generated, and no value of it is sent: "
                            + "mask what it is computed from")
                }
                continue
            }
            guard let column = subject.columns.first(where: { $0.number == number }) else {
                continue
            }
            let type = types[column.typeOID].map { types.base($0, modifier: -1).type }
            let form = rule.function == .hash ? type.flatMap(HashForm.init) : nil
            guard rule.function != .hash || form != nil else {
                problems.append(
                    "column \(PrintedText.line(column.name)) is of type "
                        + "\(PrintedText.line(type?.name ?? "?")), which has no hash")
                continue
            }
            masks.columns[number] = StoredMask(
                rule.function, key: rule.function == .hash ? key?.fingerprint : nil, form: form)
        }
        if let halt = Halt.unmaskable(subject.table, because: problems) { throw halt }
        return masks
    }

    // MARK: Rules that name nothing

    /// - Parameters:
    ///   - gone: Tables that the stream has followed, and follows no longer.
    ///   - mayCome: Whether tables may appear that nobody knows of yet: then a rule for one that is
    ///     like none of those that are known is no slip.
    /// - Throws: ``Halt`` (exit code 6).
    public func check(
        _ subjects: [Subject], gone: [TableName] = [], mayCome: Bool = false
    ) throws(Halt) {
        let wrong = rules.filter { rule in
            !gone.contains(rule.table) && !subjects.contains { $0.has(rule) }
        }
        let found = wrong.map { (rule: $0, near: MaskRules.near($0, among: subjects)) }
            .filter { rule, near in
                !mayCome || !near.isEmpty || subjects.contains { $0.names.contains(rule.table) }
            }
        guard !found.isEmpty else { return }
        let list = found.map { rule, near in
            near.isEmpty
                ? PrintedText.line(rule.subject)
                : "\(PrintedText.line(rule.subject)) (near: \(near.joined(separator: ", ")))"
        }
        let advice = found.flatMap { rule, near in
            near.map { "Perhaps: --mask \(ShellText.word("\($0)=\(rule.function.text)"))" }
        }
        throw Halt(
            .preflight,
            "These masks name no column that is followed: \(NameList.text(list, separator: "; ")).",
            advice: advice.isEmpty
                ? "A mask names schema, table and column as they are on the source."
                : advice.joined(separator: "\n"))
    }

    private static func near(_ rule: MaskRule, among subjects: [Subject]) -> [String] {
        func text(_ table: TableName, column: String) -> String {
            "\(TablePattern.text(of: table)).\(TablePattern.text(ofName: column))"
        }
        guard let subject = subjects.first(where: { $0.names.contains(rule.table) }) else {
            return rule.table.nearMisses(among: Set(subjects.flatMap(\.names)).sorted())
                .map { text($0, column: rule.column) }
        }
        return rule.column.nearMisses(among: subject.columns.map(\.name))
            .map { text(rule.table, column: $0) }
    }
}
