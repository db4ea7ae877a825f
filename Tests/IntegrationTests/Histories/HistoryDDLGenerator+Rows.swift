import LeatTestSupport

extension HistoryDDLGenerator {
    func firstRows(_ index: Int) -> String { insert(tables[index], 1...40) }

    /// Some changes of rows: each by itself, or in one transaction.
    mutating func rows(_ index: Int) -> Step {
        guard tables[index].isThere else { return Step(statements: ["select 1;"]) }
        var statements: [String] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            statements.append(change(ofRows: tables[index]))
        }
        let isOne = random.once(in: 3)
        return Step(statements: isOne ? ["begin;"] + statements + ["commit;"] : statements)
    }

    /// None of which fails.
    mutating func safeRows(_ index: Int) -> [String] {
        let table = tables[index]
        guard table.isThere else { return [] }
        return [someRows(table), update(table, isSafe: true)].shuffled(using: &random)
    }

    private mutating func change(ofRows table: Table) -> String {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<7: return someRows(table)
        case 7..<13: return update(table)
        case 13..<16: return "delete from \(table.name) where \(some(table, of: 9));"
        case 16..<18: return moveKey(table)
        case 18: return truncate(table)
        default: return loosenedRows(table)
        }
    }

    private mutating func someRows(_ table: Table) -> String {
        let low = Int.random(in: 1...80, using: &random)
        return insert(table, low...low + Int.random(in: 0...9, using: &random))
    }

    private func insert(_ table: Table, _ range: ClosedRange<Int>) -> String {
        let columns = table.columns.filter { !$0.isComputed }
        let values = columns.map { $0.type.value("i") }
        return """
            insert into \(table.name) (\(columns.map(\.quoted).joined(separator: ", "))) select \
            \(values.joined(separator: ", ")) from generate_series(\(range.lowerBound), \
            \(range.upperBound)) i on conflict do nothing;
            """
    }

    /// A part of the rows, whatever types they have.
    private mutating func some(_ table: Table, of parts: Int) -> String {
        let part = Int.random(in: 0..<parts, using: &random)
        let key = table.key.quoted
        return """
            ('x' || left(md5(\(key)::text), 4))::bit(16)::int % \(parts) = \(part)
            """
    }

    /// - Parameter isSafe: Whether no two rows may become alike.
    private mutating func update(_ table: Table, isSafe: Bool = false) -> String {
        let columns = table.columns.filter {
            !$0.isKey && !$0.isComputed && !$0.isUnique && !(isSafe && $0.isPinned)
        }
        let number = Int.random(in: 0...500, using: &random)
        let chosen = columns.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))
        let list = chosen.map { "\($0.quoted) = \($0.type.value("\(number)"))" }
        guard !list.isEmpty else { return "select 1;" }
        return """
            update \(table.name) set \(list.joined(separator: ", ")) where \(some(table, of: 4));
            """
    }

    private mutating func moveKey(_ table: Table) -> String {
        let key = table.key
        guard key.type.isWhole else { return update(table) }
        let by = 1000 * Int.random(in: 1...9, using: &random)
        return """
            update \(table.name) set \(key.quoted) = \(key.quoted) + \(by) where \(some(table, of: 9));
            """
    }

    private mutating func truncate(_ table: Table) -> String {
        let isPart = table.isPartitioned && random.once(in: 2)
        let name = isPart ? "\(table.original)_\(random.once(in: 2) ? 1 : 2)" : table.name
        return "truncate \(name);"
    }

    /// Rows that only a table without its first rules takes.
    private mutating func loosenedRows(_ table: Table) -> String {
        let low = Int.random(in: 100...900, using: &random)
        let columns = table.columns.filter { !$0.isComputed }
        let values = columns.map { column -> String in
            switch column.name {
            case "n" where !column.isNotNull: "null"
            case "n" where !table.hasCheck && column.type.isWhole: "-2000 - i"
            case _ where column.isUnique: column.type.value("i")
            default: column.type.value("i % 3")
            }
        }
        return """
            insert into \(table.name) (\(columns.map(\.quoted).joined(separator: ", "))) select \
            \(values.joined(separator: ", ")) from generate_series(\(low), \(low + 4)) i \
            on conflict do nothing;
            """
    }
}
