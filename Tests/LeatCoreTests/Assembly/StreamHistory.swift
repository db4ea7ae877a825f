import LeatCore
import LeatTestSupport
import PGWire

/// A source that writes random transactions, and the two ways in which its walsender may send
/// each of them: whole at its commit, or streamed in blocks between the others.
///
/// It keeps what the server keeps: which relations it has described on this connection, and in
/// which streamed transaction. What must come out is written down beside.
struct StreamHistory {
    private struct Table {
        var id: RelationID
        var name: String
        /// One more or fewer with each DDL.
        var columns = 2
        var isDescribed = false
    }

    private struct Operation {
        var subxid: UInt32
        /// The tables' indexes, and what is made of those that are followed.
        var tables: [Int]
        var line: String
        var body: (_ xid: UInt32?) -> [UInt8]
    }

    /// A subtransaction that is open, or the transaction itself.
    private struct Level {
        var xid: UInt32
        /// Subtransactions that were released into it.
        var released: [UInt32] = []
    }

    /// A transaction in progress that is streamed.
    private struct Streamed {
        var xid: UInt32
        var origin: String?
        var hasBegun = false
        /// Innermost last.
        var levels: [Level]
        var operations: [Operation] = []
        var described: Set<Int> = []
        var touched: Set<Int> = []
    }

    private var random: SeededGenerator
    private(set) var feed: AssemblerFeed
    private(set) var expected: [AssembledTransaction] = []
    private(set) var streamedCommits = 0
    private let followed: [String: LSN]
    private let position: LSN
    private let skipsOrigins: Bool
    let piecesAtOnce: Int
    private var tables: [Table]
    private var inProgress: [Streamed] = []
    private var lastXID: UInt32 = 700
    private var lastValue = 0
    private var wal: UInt64 = 0x100

    init(_ random: SeededGenerator) {
        self.random = random
        tables = (1...4).map { Table(id: RelationID(rawValue: $0), name: "t\($0)") }
        followed = ["t1": .zero, "t2": 0x180, "t3": .zero]
        position = self.random.once(in: 2) ? 0x140 : .zero
        skipsOrigins = self.random.once(in: 3)
        piecesAtOnce = self.random.once(in: 3) ? 0 : Int.random(in: 1...3, using: &self.random)
        feed = AssemblerFeed(
            followed, position: position, skipsTransactionsWithOrigin: skipsOrigins,
            piecesAtOnce: piecesAtOnce,
            mostSubtransactions: Int.random(in: 0...12, using: &self.random))
    }

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            if random.once(in: 5) { feed.take() }
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3: try sendPlain()
            case 3..<6: try sendBlock()
            case 6: try abortSubtransaction()
            case 7: try abort()
            case 8: try commitStreamed()
            default: alterTable()
            }
        }
        while !inProgress.isEmpty { try commitStreamed() }
        feed.take()
    }

    // MARK: What happens on the source

    private mutating func nextXID() -> UInt32 {
        lastXID += 1
        return lastXID
    }

    private mutating func nextCommit() -> LSN {
        wal += .random(in: 8...32, using: &random)
        return LSN(rawValue: wal)
    }

    /// A table cannot be altered while a transaction in progress has a lock on it.
    private mutating func alterTable() {
        let table = Int.random(in: 0..<tables.count, using: &random)
        guard !inProgress.contains(where: { $0.touched.contains(table) }) else { return }
        tables[table].columns = tables[table].columns % 4 + 1
        tables[table].isDescribed = false
        for index in inProgress.indices { inProgress[index].described.remove(table) }
    }

    private mutating func operation(_ subxid: UInt32) -> Operation {
        let table = Int.random(in: 0..<tables.count, using: &random)
        if random.once(in: 8) { return truncate(subxid, table) }
        let (id, name, columns) = (tables[table].id, tables[table].name, tables[table].columns)
        lastValue += 1
        let new = (0..<columns).map { "\(lastValue).\($0)" }
        let old = new.map { "o\($0)" }
        let (newValues, oldValues) = (new.map(WireValue.text), old.map(WireValue.text))
        let (newText, oldText) = (new.joined(separator: ", "), old.joined(separator: ", "))
        func xid(_ xid: UInt32?) -> TransactionID? { xid.map(TransactionID.init) }
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            return Operation(
                subxid: subxid, tables: [table], line: "insert \(name)/\(columns) (\(newText))"
            ) { WireEncoder.insert(into: id, newValues, xid: xid($0)) }
        case 1:
            return Operation(
                subxid: subxid, tables: [table],
                line: "update \(name)/\(columns) O(\(oldText)) (\(newText))"
            ) { WireEncoder.update(id, old: .full(oldValues), new: newValues, xid: xid($0)) }
        default:
            return Operation(
                subxid: subxid, tables: [table], line: "delete \(name)/\(columns) K(\(oldText))"
            ) { WireEncoder.delete(id, old: .key(oldValues), xid: xid($0)) }
        }
    }

    private mutating func truncate(_ subxid: UInt32, _ table: Int) -> Operation {
        let both = [table, (table + 1) % tables.count]
        let ids = both.map { tables[$0].id }
        return Operation(subxid: subxid, tables: both, line: "truncate") {
            Wire.truncate(ids, xid: $0)
        }
    }

    // MARK: What the walsender makes of it

    private mutating func sendPlain() throws {
        let (xid, commit) = (nextXID(), nextCommit())
        let origin = random.once(in: 5) ? "up" : nil
        let operations = (0..<Int.random(in: 0...6, using: &random)).map { _ in operation(xid) }
        try feed.give(Wire.begin(xid, commit: commit))
        if let origin { try feed.give(Wire.origin(origin)) }
        for operation in operations {
            for table in operation.tables where !tables[table].isDescribed {
                tables[table].isDescribed = true
                try feed.give(relation(table, xid: nil))
            }
            try feed.give(operation.body(nil))
            if random.once(in: 10) { feed.take() }
        }
        try feed.give(Wire.commit(commit))
        expect(xid, commit, origin, operations)
    }

    private mutating func sendBlock() throws {
        if inProgress.isEmpty || random.once(in: 3) {
            let xid = nextXID()
            inProgress.append(
                Streamed(
                    xid: xid, origin: random.once(in: 5) ? "up" : nil, levels: [Level(xid: xid)]))
        }
        let index = Int.random(in: 0..<inProgress.count, using: &random)
        var transaction = inProgress[index]
        try feed.give(Wire.streamStart(transaction.xid, first: !transaction.hasBegun))
        if !transaction.hasBegun, let origin = transaction.origin {
            try feed.give(Wire.origin(origin))
        }
        transaction.hasBegun = true
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            moveBetweenLevels(&transaction)
            let subxid = transaction.levels.last?.xid ?? transaction.xid
            let operation = operation(subxid)
            for table in operation.tables {
                transaction.touched.insert(table)
                guard transaction.described.insert(table).inserted else { continue }
                try feed.give(relation(table, xid: subxid))
            }
            try feed.give(operation.body(subxid))
            transaction.operations.append(operation)
            if random.once(in: 10) { feed.take() }
        }
        try feed.give(Wire.streamStop)
        inProgress[index] = transaction
    }

    private mutating func moveBetweenLevels(_ transaction: inout Streamed) {
        if random.once(in: 4) {
            transaction.levels.append(Level(xid: nextXID()))
        } else if transaction.levels.count > 1, random.once(in: 6) {
            let ended = transaction.levels.removeLast()
            transaction.levels[transaction.levels.count - 1].released +=
                ended.released + [ended.xid]
        }
    }

    /// Rolls back to a savepoint, innermost first; each with what was released into it before it.
    private mutating func abortSubtransaction() throws {
        guard let index = inProgress.indices.randomElement(using: &random) else { return }
        let transaction = inProgress[index]
        guard let first = transaction.levels.indices.dropFirst().randomElement(using: &random)
        else { return }
        let aborted = transaction.levels[first...].reversed().flatMap { $0.released + [$0.xid] }
        for xid in aborted where transaction.operations.contains(where: { $0.subxid == xid }) {
            try feed.give(Wire.streamAbort(transaction.xid, sub: xid))
        }
        inProgress[index].levels.removeSubrange(first...)
        inProgress[index].operations.removeAll { aborted.contains($0.subxid) }
        // The server forgets what it has described in the whole transaction.
        inProgress[index].described = []
    }

    private mutating func abort() throws {
        guard let index = inProgress.indices.randomElement(using: &random) else { return }
        let transaction = inProgress.remove(at: index)
        if transaction.hasBegun { try feed.give(Wire.streamAbort(transaction.xid)) }
    }

    private mutating func commitStreamed() throws {
        guard let index = inProgress.indices.randomElement(using: &random) else { return }
        let transaction = inProgress.remove(at: index)
        guard transaction.hasBegun else { return }
        let commit = nextCommit()
        let takes = random.once(in: 2)
        try feed.give(Wire.streamCommit(transaction.xid, commit: commit)) { feed in
            if takes, feed.assembler.batch.changes.count > 2 { feed.take() }
        }
        for table in transaction.described { tables[table].isDescribed = true }
        expect(transaction.xid, commit, transaction.origin, transaction.operations)
        streamedCommits += 1
    }

    private func relation(_ table: Int, xid: UInt32?) -> [UInt8] {
        Wire.relation(
            tables[table].id, named: tables[table].name, columns: tables[table].columns, xid: xid)
    }

    // MARK: What must come out

    private mutating func expect(
        _ xid: UInt32, _ commit: LSN, _ origin: String?, _ operations: [Operation]
    ) {
        guard commit >= position, origin == nil || !skipsOrigins else { return }
        let lines = operations.compactMap { operation -> String? in
            let names = operation.tables.map { tables[$0].name }.filter { name in
                followed[name].map { commit >= $0 } ?? false
            }
            guard !names.isEmpty else { return nil }
            return operation.line == "truncate"
                ? "truncate \(names.joined(separator: " "))" : operation.line
        }
        guard !lines.isEmpty else { return }
        expected.append(
            AssembledTransaction(
                xid: xid, end: Wire.end(of: commit), origin: origin, changes: lines))
    }
}
