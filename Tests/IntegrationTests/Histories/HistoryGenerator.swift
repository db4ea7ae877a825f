import LeatTestSupport

/// Makes histories: the same from the same seed.
struct HistoryGenerator: Sendable {
    let schema: HistorySchema
    private var random: SeededGenerator
    private var made = 0
    private var names = 0
    /// In the names of prepared transactions, which are shared by a server's databases.
    private let label: String

    init(_ schema: HistorySchema, seed: UInt64, label: String = "history") {
        self.schema = schema
        self.label = label
        random = SeededGenerator(seed: seed)
    }

    mutating func next() -> History {
        made += 1
        // Few tables at a time: what matters happens where one row is met again and again.
        let focus = (0..<Int.random(in: 1...5, using: &random)).map { _ in anyTable() }
        var history = History(number: made, transactions: [], beside: [])
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            history.transactions += transactions(focus)
        }
        if random.once(in: 3), let table = schema[HistorySchema.beside] {
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                history.beside.append(transaction([table]))
            }
        }
        return history
    }

    private mutating func anyTable() -> HistoryTable {
        let tables = schema.tables.filter { $0.name != HistorySchema.beside }
        return tables[Int.random(in: tables.indices, using: &random)]
    }

    // MARK: Transactions

    /// One, or the few in which a swap of unique values is spread over transactions.
    private mutating func transactions(_ focus: [HistoryTable]) -> [HistoryTransaction] {
        if random.once(in: 12), let swap = swap(pick(focus)) {
            return [HistoryTransaction(operations: [swap], ending: .eachAlone)]
        }
        return [transaction(focus)]
    }

    private mutating func transaction(_ focus: [HistoryTable]) -> HistoryTransaction {
        if random.once(in: 15) {
            let empty: [HistoryOperation] =
                [[], [.unpublished], [.message(isTransactional: true)]].randomElement(
                    using: &random) ?? []
            return HistoryTransaction(operations: empty, ending: .commit)
        }
        var operations: [HistoryOperation] = []
        if random.once(in: 15), let large = large(focus) { operations += large }
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            operations.append(step(focus, depth: 0))
        }
        return HistoryTransaction(operations: operations, ending: ending(operations))
    }

    private mutating func ending(_ operations: [HistoryOperation]) -> HistoryTransaction.Ending {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return .rollback
        case 1: return .preparedCommit(name("prepared"))
        case 2: return .preparedRollback(name("prepared"))
        case 3, 4: return operations.contains(where: \.isWhole) ? .commit : .eachAlone
        default: return .commit
        }
    }

    private mutating func name(_ kind: String) -> String {
        names += 1
        return "\(label)_\(kind)_\(names)"
    }

    private mutating func step(_ focus: [HistoryTable], depth: Int) -> HistoryOperation {
        guard random.once(in: 10), depth < 3 else { return operation(pick(focus)) }
        let inner = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            step(focus, depth: depth + 1)
        }
        return .savepoint(name: name("savepoint"), inner, isRolledBack: random.once(in: 2))
    }

    private mutating func pick(_ tables: [HistoryTable]) -> HistoryTable {
        tables[Int.random(in: tables.indices, using: &random)]
    }

    // MARK: Operations

    private mutating func operation(_ table: HistoryTable) -> HistoryOperation {
        if table.abilities.contains(.insertOnly) { return .insert(insert(table)) }
        if table.name == "lines", random.once(in: 4) { return childFirst() }
        switch Int.random(in: 0..<110, using: &random) {
        case 0..<24: return .insert(insert(table))
        case 24..<34 where table.abilities.contains(.upsert): return .upsert(insert(table))
        case 34..<52: return update(table)
        case 52..<66: return moveKey(table) ?? update(table)
        case 66..<74: return swap(table) ?? update(table)
        case 74..<82: return .delete(table: table.name, rows(table))
        case 82..<88 where !table.keys.isEmpty: return .replace(insert(table))
        case 88..<91: return .delete(table: table.name, random.once(in: 3) ? .all : rows(table))
        case 91..<93: return truncate(table)
        case 93..<95: return .touch(table: table.name, column: lastColumn(table), rows(table))
        case 97..<101: return .insert(many(table))
        case 101..<106: return rewrite(table) ?? update(table)
        case 95: return .message(isTransactional: random.once(in: 2))
        case 96: return .unpublished
        default: return .insert(insert(table))
        }
    }

    private func lastColumn(_ table: HistoryTable) -> String {
        table.columns.last?.name ?? ""
    }

    private mutating func literal(_ column: HistoryTable.Column) -> String {
        if column.isNullable, random.once(in: 5) { return column.values.null }
        return column.values.literal(using: &random)
    }

    private mutating func assignment(
        _ column: HistoryTable.Column
    ) -> HistoryOperation.Assignment {
        .init(column: column.name, literal: literal(column))
    }

    private mutating func insert(_ table: HistoryTable) -> HistoryOperation.Insert {
        var row: [HistoryOperation.Assignment] = []
        for column in table.columns { row.append(assignment(column)) }
        return HistoryOperation.Insert(
            table: table.name, row: row, keys: table.keys,
            isOverriding: table.abilities.contains(.overriding), condition: table.insertCondition)
    }

    /// So many that they are worth a COPY; few where each change looks at every row.
    private mutating func many(_ table: HistoryTable) -> HistoryOperation.Insert {
        let first = 1000 + 100 * Int.random(in: 0...4, using: &random)
        let count = table.keys.isEmpty ? 40 : Int.random(in: 50...400, using: &random)
        let keys = Set(table.keys.joined())
        let row = table.columns.map { column in
            HistoryOperation.Assignment(
                column: column.name,
                literal: column.values.ofSeries(isKey: keys.contains(column.name)))
        }
        return HistoryOperation.Insert(
            table: table.name, row: row, keys: table.keys,
            isOverriding: table.abilities.contains(.overriding), condition: table.insertCondition,
            series: first...first + count)
    }

    /// Nil if no column of a key has other values to be rewritten to.
    private mutating func rewrite(_ table: HistoryTable) -> HistoryOperation? {
        let single = table.keys.filter { $0.count == 1 }.joined()
        guard table.keysCanMove, let name = single.randomElement(using: &random),
            let value = table.column(name)?.values.rewritten
        else { return nil }
        return .rewrite(table: table.name, column: name, value, third(table))
    }

    private mutating func third(_ table: HistoryTable) -> HistoryOperation.Rows {
        .third(column: table.lookup[0], Int.random(in: 0..<3, using: &random))
    }

    private mutating func update(_ table: HistoryTable) -> HistoryOperation {
        let keys = Set(table.keys.joined())
        let free = table.columns.filter { $0.isUpdated && !keys.contains($0.name) }
        guard !free.isEmpty else { return .delete(table: table.name, rows(table)) }
        // Mostly one: what is wide beside it is not sent then.
        let count = random.once(in: 3) ? Int.random(in: 1...free.count, using: &random) : 1
        let chosen = free.shuffled(using: &random).prefix(count)
        var assignments: [HistoryOperation.Assignment] = []
        for column in chosen { assignments.append(assignment(column)) }
        return .update(table: table.name, assignments, rows(table))
    }

    private mutating func values(
        _ table: HistoryTable, _ names: [String]
    ) -> [HistoryOperation.Assignment] {
        var values: [HistoryOperation.Assignment] = []
        for name in names {
            guard let column = table.column(name) else { continue }
            values.append(assignment(column))
        }
        return values
    }

    private mutating func rows(_ table: HistoryTable) -> HistoryOperation.Rows {
        let values = values(table, table.lookup)
        if table.keys.isEmpty { return random.once(in: 3) ? .equal(values) : .one(values) }
        if random.once(in: 8), table.lookup.count == 1,
            table.column(table.lookup[0])?.values.type == "int4"
        {
            let low = Int.random(in: 1...8, using: &random)
            return .between(column: table.lookup[0], low...low + 5)
        }
        if random.once(in: 12) { return third(table) }
        return random.once(in: 30) ? .all : .equal(values)
    }

    /// Nil if the table has no key.
    private mutating func moveKey(_ table: HistoryTable) -> HistoryOperation? {
        guard table.keysCanMove, let key = table.keys.randomElement(using: &random)
        else { return nil }
        let from = values(table, key)
        let moved = key.shuffled(using: &random).prefix(
            Int.random(in: 1...key.count, using: &random))
        let to = values(table, Array(moved))
        guard (from + to).allSatisfy({ !$0.literal.hasPrefix("null::") }) else { return nil }
        return .moveKey(table: table.name, from: from, to: to)
    }

    /// Nil if the table has no unique column.
    private mutating func swap(_ table: HistoryTable) -> HistoryOperation? {
        let single = table.keys.filter { $0.count == 1 }
        guard table.keysCanMove, let name = single.randomElement(using: &random)?.first,
            let column = table.column(name)
        else { return nil }
        let (first, second) = (
            column.values.literal(using: &random), column.values.literal(using: &random)
        )
        if table.abilities.contains(.deferredSwap), random.once(in: 2) {
            return .deferredSwap(table: table.name, key: "id", column: "u", first, second)
        }
        guard table.name != "orders" else { return nil }
        return .swap(
            table: table.name, column: name, first, second, spare: column.values.spare)
    }

    private mutating func childFirst() -> HistoryOperation {
        .childFirst(
            order: String(Int.random(in: 1...6, using: &random)),
            line: String(Int.random(in: 1...20, using: &random)))
    }

    private mutating func truncate(_ table: HistoryTable) -> HistoryOperation {
        let others = schema.tables.filter { other in
            other.abilities.contains(.truncate) && other.name != table.name
        }.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)).map(\.name)
        let first: [String] =
            switch table.name {
            case "orders", "lines": ["orders", "lines"]
            case "base" where random.once(in: 2): ["only base"]
            default: table.abilities.contains(.truncate) ? [table.name] : []
            }
        // No table may be named twice, and `derived` comes with `base`.
        let names = (first + others).filter { name in
            first.contains(name) || !(first.contains("only base") && name == "base")
        }
        // The second session's table is not truncated, and so none by that session.
        guard !first.isEmpty else { return .delete(table: table.name, .all) }
        return .truncate(
            names, restartsIdentity: random.once(in: 3), cascades: random.once(in: 4))
    }

    // MARK: Large transactions

    /// So much that the server sends it while it is in progress. Nil if no table is for it.
    private mutating func large(_ focus: [HistoryTable]) -> [HistoryOperation]? {
        let isBulk = { (table: HistoryTable) in table.abilities.contains(.bulk) }
        guard let table = focus.first(where: isBulk) ?? schema.tables.first(where: isBulk)
        else { return nil }
        let low = 100 + 100 * Int.random(in: 0...10, using: &random)
        let high = low + Int.random(in: 300...1500, using: &random)
        let middle = Int.random(in: low...high, using: &random)
        // Wide rows make it larger than a batch: it is applied in pieces.
        let width = random.once(in: 5) ? 3000 : 0
        let columns = [
            HistoryOperation.Assignment(column: "v", literal: "i % 7"),
            HistoryOperation.Assignment(column: "note", literal: "repeat('n', \(width) + i % 90)"),
        ]
        var operations: [HistoryOperation] = [
            .bulkInsert(table: table.name, columns: columns, key: "id", low...high)
        ]
        let update = HistoryOperation.bulkUpdate(
            table: table.name, .init(column: "v", literal: "v + 1"), key: "id", low...middle)
        operations.append(
            random.once(in: 2)
                ? .savepoint(name: name("savepoint"), [update], isRolledBack: random.once(in: 2))
                : update)
        let delete = HistoryOperation.delete(
            table: table.name, .between(column: "id", middle...high))
        operations.append(
            .savepoint(name: name("savepoint"), [delete], isRolledBack: random.once(in: 3)))
        return operations
    }
}

extension HistoryOperation {
    /// Whether its statements make sense only together.
    fileprivate var isWhole: Bool {
        switch self {
        case .childFirst, .savepoint: true
        case .insert, .upsert, .update, .touch, .moveKey, .rewrite, .swap, .deferredSwap, .delete,
            .replace,
            .truncate, .bulkInsert, .bulkUpdate, .unpublished, .message:
            false
        }
    }
}
