import LeatTestSupport

/// The publications of histories with DDL, as the source has them after the statements so far.
struct HistoryDDLPublications: Sendable {
    struct Publication: Sendable {
        var name: String
        /// By the names with which they were made; nil: all.
        var tables: Set<String>?
        var isNarrow = false

        func has(_ table: HistoryDDLTable) -> Bool { tables?.contains(table.original) ?? true }
    }

    let publishing: HistoryDDLRound.Publishing
    var all: [Publication] = []
    /// Indexes of those that Leat is given.
    private var chosen: Set<Int> = []

    init(_ publishing: HistoryDDLRound.Publishing, tables: [HistoryDDLTable] = []) {
        self.publishing = publishing
        switch publishing {
        case .own: break
        case .all: all = [Publication(name: "everything")]
        case .two:
            let names = tables.map(\.original)
            let even = names.indices.filter { $0.isMultiple(of: 2) }.map { names[$0] }
            all = [
                Publication(name: "p", tables: Set(even)),
                Publication(name: "q", tables: Set(names).subtracting(even)),
            ]
        }
        chosen = Set(all.indices)
    }

    /// For `--publication`.
    var given: [String] { chosen.sorted().map { all[$0].name } }

    mutating func chooseOthers(using random: inout SeededGenerator) {
        guard all.count > 1 else { return }
        chosen = [[0], [1], [0, 1], [0, 1]].randomElement(using: &random) ?? [0, 1]
    }

    var ddl: String {
        all.map { create($0, names: $0.tables?.sorted()) }.joined(separator: "\n")
    }

    func create(_ publication: Publication, names: [String]?) -> String {
        let list = names.map { $0.isEmpty ? "" : " for table \($0.joined(separator: ", "))" }
        return """
            create publication \(publication.name)\(list ?? " for all tables") \
            with (publish_via_partition_root = true);
            """
    }

    /// A table that was made again joins what had it.
    func join(_ table: HistoryDDLTable) -> HistoryDDLRound.Step? {
        let lines = all.filter { $0.tables != nil && $0.has(table) }.map {
            "alter publication \($0.name) add table \(table.name);"
        }
        return lines.isEmpty ? nil : .init(statements: lines, isStrict: true)
    }

    /// Names of tables of which not all changes are sent.
    func unsent(_ tables: [HistoryDDLTable]) -> Set<String> {
        let narrow = chosen.map { all[$0] }.filter(\.isNarrow)
        return Set(tables.filter { table in narrow.contains { $0.has(table) } }.map(\.name))
    }
}

extension HistoryDDLGenerator {
    /// What is done to a publication, perhaps with changes of rows in between.
    mutating func publicationChange() -> [Step] {
        guard let index = publications.all.indices.randomElement(using: &random) else { return [] }
        switch Int.random(in: 0..<13, using: &random) {
        case 0..<3: return takeOut(index, comesBack: true)
        case 3: return takeOut(index, comesBack: false)
        case 4, 5: return putBack(index)
        case 6..<9: return narrow(index, comesBack: true)
        case 9: return narrow(index, comesBack: false)
        case 10: return rename(publication: index, comesBack: false)
        case 11: return rename(publication: index, comesBack: true)
        default: return makeAgain(publication: index)
        }
    }

    private func step(_ statement: String) -> Step { Step(statements: [statement], isStrict: true) }

    private mutating func someRows() -> [Step] {
        tables.indices.shuffled(using: &random).prefix(3).map { rows($0) }
    }

    private mutating func takeOut(_ index: Int, comesBack: Bool) -> [Step] {
        let publication = publications.all[index]
        let names = publication.tables
        guard let names,
            let at = tables.indices.filter({
                tables[$0].isThere && names.contains(tables[$0].original)
            }).randomElement(using: &random)
        else { return narrow(index, comesBack: true) }
        let table = tables[at].name
        let out = step("alter publication \(publication.name) drop table \(table);")
        guard comesBack else {
            publications.all[index].tables?.remove(tables[at].original)
            return [out]
        }
        return [out, rows(at), step("alter publication \(publication.name) add table \(table);")]
    }

    /// All that are in none.
    private mutating func putBack(_ index: Int) -> [Step] {
        guard publications.publishing == .two else { return widen(index) }
        let name = publications.all[index].name
        let lost = tables.filter { table in
            table.isThere && !publications.all.contains { $0.has(table) }
        }
        for table in lost { publications.all[index].tables?.insert(table.original) }
        return lost.map { step("alter publication \(name) add table \($0.name);") } + widen(index)
    }

    private mutating func narrow(_ index: Int, comesBack: Bool) -> [Step] {
        let name = publications.all[index].name
        let kinds = random.once(in: 2) ? "insert" : "insert, update, truncate"
        let narrow = step("alter publication \(name) set (publish = '\(kinds)');")
        publications.all[index].isNarrow = true
        guard comesBack else { return [narrow] }
        return [narrow] + someRows() + widen(index)
    }

    private mutating func widen(_ index: Int) -> [Step] {
        publications.all[index].isNarrow = false
        let name = publications.all[index].name
        return [
            step(
                "alter publication \(name) set (publish = 'insert, update, delete, truncate');")
        ]
    }

    private mutating func rename(publication index: Int, comesBack: Bool) -> [Step] {
        let (old, new) = (publications.all[index].name, name("pub"))
        let there = step("alter publication \(old) rename to \(new);")
        guard comesBack else {
            publications.all[index].name = new
            return [there]
        }
        return [there] + someRows() + [step("alter publication \(new) rename to \(old);")]
    }

    private mutating func makeAgain(publication index: Int) -> [Step] {
        let publication = publications.all[index]
        publications.all[index].isNarrow = false
        let names = publication.tables.map { members in
            tables.filter { $0.isThere && members.contains($0.original) }.map(\.name)
        }
        return [step("drop publication \(publication.name);")] + someRows() + [
            step(publications.create(publication, names: names))
        ]
    }
}
