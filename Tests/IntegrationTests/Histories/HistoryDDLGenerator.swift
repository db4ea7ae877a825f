import LeatTestSupport

/// Makes rounds of histories with DDL: the same from the same seed.
struct HistoryDDLGenerator: Sendable {
    typealias Table = HistoryDDLTable
    typealias Step = HistoryDDLRound.Step

    /// Of the source.
    let version: PostgresVersion
    var random: SeededGenerator
    var tables: [Table] = []
    var publications: HistoryDDLPublications
    var retypings: [HistoryDDLRound.Retyping] = []
    private var names = 0

    init(_ version: PostgresVersion, seed: UInt64) {
        self.version = version
        random = SeededGenerator(seed: seed)
        publications = HistoryDDLPublications(.own)
    }

    /// - Parameter count: Of the histories, each on tables of its own.
    mutating func round(_ count: Int) -> HistoryDDLRound {
        let publishing: HistoryDDLRound.Publishing =
            [.own, .all, .two, .two].randomElement(using: &random) ?? .own
        tables = (0..<count).map { number in
            Table("t\(number)", isPartitioned: random.once(in: 3))
        }
        publications = HistoryDDLPublications(publishing, tables: tables)
        let rows = tables.indices.map { firstRows($0) } + [publications.ddl]
        var round = HistoryDDLRound(
            publishing: publishing, ddl: tables.map(\.ddl).joined(separator: "\n"),
            rows: rows.joined(separator: "\n"), options: options(), phases: [])
        for _ in 0..<Int.random(in: 1...3, using: &random) { round.phases.append(phase()) }
        return round
    }

    private mutating func options() -> [String] {
        var options: [String] = []
        if random.once(in: 4) { options += ["--on-rewrite", "copy"] }
        if random.once(in: 4) { options += ["--net-changes", "off"] }
        if random.once(in: 4) { options += ["--streaming", "off"] }
        return options
    }

    private mutating func phase() -> HistoryDDLRound.Phase {
        let mode = HistoryDDLRound.Mode.allCases.randomElement(using: &random) ?? .down
        forgetRetypings()
        if random.once(in: 4) { publications.chooseOthers(using: &random) }
        var phase = HistoryDDLRound.Phase(mode: mode, publications: publications.given)
        // Few things of each, and all mixed.
        let turns = tables.indices.flatMap { index in
            Array(repeating: index, count: Int.random(in: 2...4, using: &random))
        }
        for index in turns.shuffled(using: &random) { phase.steps += turn(index) }
        if random.once(in: 3) { phase.steps += publicationChange() }
        for index in tables.indices where random.once(in: 2) { phase.steps.append(rows(index)) }
        phase.unsent = publications.unsent(tables)
        phase.retypings = retypings
        return phase
    }

    private mutating func forgetRetypings() {
        retypings = []
        for index in tables.indices {
            tables[index].retypings = []
            for column in tables[index].columns.indices {
                tables[index].columns[column].retypings = []
            }
        }
    }

    mutating func rename(_ index: Int, to name: String) {
        tables[index].name = name
        for number in tables[index].retypings { retypings[number].tables.insert(name) }
    }

    mutating func rename(_ index: Int, column: Int, to name: String) {
        tables[index].columns[column].name = name
        for number in tables[index].columns[column].retypings {
            retypings[number].columns.insert(name)
        }
    }

    /// What happens to one table next.
    private mutating func turn(_ index: Int) -> [Step] {
        guard random.once(in: 2) else { return [rows(index)] }
        return change(index)
    }

    mutating func name(_ kind: String) -> String {
        names += 1
        return "\(kind)\(names)"
    }

    // MARK: Changes

    private mutating func change(_ index: Int) -> [Step] {
        guard tables[index].isThere else {
            return madeAgain(index) ?? []
        }
        for _ in 0..<20 {
            if let found = tried(index) { return found }
        }
        return []
    }

    private mutating func tried(_ index: Int) -> [Step]? {
        switch Int.random(in: 0..<34, using: &random) {
        case 0..<22:
            guard let statements = columnChange(index) else { return nil }
            return together(statements, index)
        case 22..<26: return ruleChange(index).map { together($0, index) }
        case 26..<29: return fileChange(index).map { [Step(statements: $0, isStrict: true)] }
        case 29..<31: return unlogged(index)
        case 31: return tableRename(index).map { together($0, index) }
        case 32: return remade(index)
        default: return random.once(in: 2) ? dropped(index) : nil
        }
    }

    /// Each by itself, or in one transaction, perhaps with rows.
    private mutating func together(_ statements: [String], _ index: Int) -> [Step] {
        guard random.once(in: 2), !statements.contains(where: { $0.hasPrefix("vacuum") }) else {
            return statements.map { Step(statements: [$0], isStrict: true) }
        }
        // Of what the table was, and of what it is.
        let after = random.once(in: 2) ? safeRows(index) : []
        return [Step(statements: ["begin;"] + statements + after + ["commit;"], isStrict: true)]
    }

    private mutating func dropped(_ index: Int) -> [Step]? {
        let last = rows(index)
        tables[index].isThere = false
        return [last, Step(statements: ["drop table \(tables[index].name);"], isStrict: true)]
    }

    private mutating func remade(_ index: Int) -> [Step]? {
        guard isFree(tables[index].original, for: index), let dropped = dropped(index),
            let made = madeAgain(index)
        else { return nil }
        return dropped + made
    }

    /// As it was at first; nil if another table has its name.
    private mutating func madeAgain(_ index: Int) -> [Step]? {
        guard isFree(tables[index].original, for: index) else { return nil }
        tables[index].makeAgain()
        let made = Step(statements: tables[index].ddl.components, isStrict: true)
        return [made, publications.join(tables[index]), rows(index)].compactMap { $0 }
    }

    private func isFree(_ name: String, for index: Int) -> Bool {
        !tables.indices.contains {
            $0 != index && tables[$0].isThere && tables[$0].name == name
        }
    }

    private mutating func tableRename(_ index: Int) -> [String]? {
        // Two that swap theirs, now and then.
        let old = tables[index].name
        let others = tables.indices.filter { $0 != index && tables[$0].isThere }
        if random.once(in: 3), let other = others.randomElement(using: &random) {
            let second = tables[other].name
            rename(index, to: second)
            rename(other, to: old)
            return [
                "alter table \(old) rename to aside;", "alter table \(second) rename to \(old);",
                "alter table aside rename to \(second);",
            ]
        }
        rename(index, to: name("renamed_"))
        return ["alter table \(old) rename to \(tables[index].name);"]
    }
}

extension String {
    /// Statements on lines of their own.
    fileprivate var components: [String] { split(separator: "\n").map(String.init) }
}
