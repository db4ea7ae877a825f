import LeatCore
import LeatTestSupport
import PGWire

/// A stream as a walsender sends it, in text form and protocol version 1.
///
/// The rows are those of the catch-up workloads of the same names in `scripts/bench/run`.
struct Workload {
    let name: String
    /// Changes in the stream.
    private(set) var rows = 0
    private(set) var payloads = Payloads()
    /// What the payloads become, for stages that begin there.
    private(set) var batches: [Batch] = []
    /// The rows of each batch, or the keys of what is deleted, as COPY sends them, a payload each.
    private(set) var copies: [(relation: Relation, payloads: [[UInt8]])] = []
    private var tables: [RelationID: FollowedTables.Table] = [:]
    private var position: UInt64 = 0x0100_0000
    private var nextXID: UInt32 = 1000

    private init(_ name: String) {
        self.name = name
    }

    /// As much as the receiver hands over at a time under load.
    static let batchBytes = 1 << 20
    /// As much as libpq is given at a time.
    static let chunkBytes = 60 << 10
    static func all(rows: Int) throws -> [Workload] {
        var all = [insert(rows: rows), update(rows: rows), delete(rows: rows), tpcb(rows: rows)]
        for index in all.indices {
            var batches: [Batch] = []
            try all[index].assemble { batches.append($0) }
            all[index].batches = batches
            all[index].copies = batches.flatMap(Workload.copies)
        }
        return all
    }

    /// Lends the batches that the payloads become.
    func assemble(_ body: (Batch) -> Void) throws {
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 1), tables: FollowedTables(tables),
            position: .zero)
        for index in 0..<payloads.count {
            let payload = payloads[index]
            guard case .xLogData(let data) = try ReplicationPayload(decoding: payload) else {
                continue
            }
            _ = try assembler.receive(XLogData.body(of: payload), at: data.walStart)
            if assembler.batch.byteCount >= Workload.batchBytes { body(assembler.takeBatch()) }
        }
        body(assembler.takeBatch())
    }

    private static func copies(
        of batch: Batch
    ) -> [(relation: Relation, payloads: [[UInt8]])] {
        let buffer = CopyBuffer(isBinary: false)
        return batch.relations.enumerated().map { index, relation in
            let rows = batch.changes.filter { $0.kind.isRow && $0.relation == index }
            let payloads = rows.map { change -> [UInt8] in
                buffer.removeAll()
                let columns = Array(
                    batch.columns(of: change.kind == .delete ? change.old : change.new))
                _ = buffer.append(columns, order: Array(columns.indices), arena: batch.bytes)
                var payload: [UInt8] = []
                buffer.withBytes { payload = Array($0) }
                return payload
            }
            return (relation, payloads)
        }
    }

    // MARK: Kinds

    /// 100 narrow rows a transaction.
    private static func insert(rows: Int) -> Workload {
        var workload = Workload("insert")
        let narrow = workload.table(
            1, named: "narrow",
            columns: [("id", 20), ("k", 23), ("v", 25), ("ts", 1184), ("amt", 1700)])
        var id = 0
        while workload.rows < rows {
            workload.transaction(
                (0..<100).map { index in
                    id += 1
                    return WireEncoder.insert(
                        into: narrow,
                        [
                            .text("\(id)"), .text("\(index)"), .text(digest(id) + "-abcdefg"),
                            .text("2025-01-01 00:00:00.\(100_000 + id % 900_000)+00"),
                            .text("\(id % 1_000_000).\(10 + id % 90)"),
                        ])
                })
        }
        return workload
    }

    /// 10 rows of 11 columns a transaction.
    private static func update(rows: Int) -> Workload {
        var workload = Workload("update")
        let wide = workload.table(
            1, named: "wide",
            columns: [
                ("id", 20), ("a", 23), ("b", 23), ("c", 20), ("d", 1700), ("e", 25), ("f", 25),
                ("g", 3802), ("h", 1184), ("i", 16), ("j", 701),
            ])
        var id = 0
        while workload.rows < rows {
            workload.transaction(
                (0..<10).map { _ in
                    id += 1
                    return WireEncoder.update(wide, new: wideRow(id))
                })
        }
        return workload
    }

    /// 10 rows a transaction, which send their key alone.
    private static func delete(rows: Int) -> Workload {
        var workload = Workload("delete")
        let narrow = workload.table(
            1, named: "narrow",
            columns: [("id", 20), ("k", 23), ("v", 25), ("ts", 1184), ("amt", 1700)])
        var id = 0
        while workload.rows < rows {
            workload.transaction(
                (0..<10).map { _ in
                    id += 1
                    return WireEncoder.delete(
                        narrow, old: .key([.text("\(id)"), .null, .null, .null, .null]))
                })
        }
        return workload
    }

    private static func wideRow(_ id: Int) -> [WireValue] {
        let text = digest(id)
        return [
            .text("\(id)"), .text("\(id % 97)"), .text("\(id % 1013)"), .text("\(id * 31)"),
            .text("\(id / 7).1429"), .text(text + text), .text(text + text + text),
            .text(
                #"{"n": \#(id), "v": \#(id % 999_983), "name": "\#(text)", "tags": ["a", "b", 3]}"#),
            .text("2025-01-01 00:00:00.\(100_000 + id % 900_000)+00"), .text("t"),
            .text("\(id / 3).333333333333"),
        ]
    }

    /// pgbench: three updates of one row and an insert a transaction.
    private static func tpcb(rows: Int) -> Workload {
        var workload = Workload("tpcb")
        let filler = String(repeating: " ", count: 84)
        let balance: [(String, UInt32)] = [("bid", 23), ("balance", 23), ("filler", 1042)]
        let accounts = workload.table(
            1, named: "pgbench_accounts", columns: [("aid", 23)] + balance)
        let tellers = workload.table(2, named: "pgbench_tellers", columns: [("tid", 23)] + balance)
        let branches = workload.table(3, named: "pgbench_branches", columns: balance)
        let history = workload.table(
            4, named: "pgbench_history",
            columns: [
                ("tid", 23), ("bid", 23), ("aid", 23), ("delta", 23), ("mtime", 1114),
                ("filler", 1042), ("id", 20),
            ], key: 6)
        var id = 0
        while workload.rows < rows {
            id += 1
            let (aid, tid, bid) = (id * 7919 % 1_000_000, id % 100, id % 10)
            workload.transaction([
                WireEncoder.update(
                    accounts,
                    new: [.text("\(aid)"), .text("\(bid)"), .text("\(id)"), .text(filler)]),
                WireEncoder.update(
                    tellers, new: [.text("\(tid)"), .text("\(bid)"), .text("\(id)"), .null]),
                WireEncoder.update(branches, new: [.text("\(bid)"), .text("\(id)"), .null]),
                WireEncoder.insert(
                    into: history,
                    [
                        .text("\(tid)"), .text("\(bid)"), .text("\(aid)"), .text("\(id % 5000)"),
                        .text("2025-01-01 00:00:00.\(100_000 + id % 900_000)"), .null,
                        .text("\(id)"),
                    ]),
            ])
        }
        return workload
    }

    /// 32 hexadecimal digits that differ from row to row.
    private static func digest(_ seed: Int) -> String {
        var generator = SeededGenerator(seed: UInt64(seed))
        return String(generator.next() | 1 << 63, radix: 16)
            + String(generator.next() | 1 << 63, radix: 16)
    }

    // MARK: Messages

    private mutating func table(
        _ id: UInt32, named name: String, columns: [(name: String, type: UInt32)], key: Int = 0
    ) -> RelationID {
        let relation = Relation(
            id: RelationID(rawValue: id), schema: "public", name: name, replicaIdentity: .default,
            columns: columns.enumerated().map { index, column in
                RelationColumn(isKey: index == key, name: column.name, typeOID: column.type)
            })
        tables[relation.id] = FollowedTables.Table(name: TableName(relation), snapshot: .zero)
        append(WireEncoder.encode(.relation(RelationMessage(relation: relation))))
        return relation.id
    }

    private mutating func transaction(_ changes: [[UInt8]]) {
        let xid = TransactionID(rawValue: nextXID)
        nextXID += 1
        let commit = LSN(rawValue: position + UInt64(changes.count + 1) * 128)
        let time = PostgresTimestamp(rawValue: Int64(position))
        append(
            WireEncoder.encode(
                .begin(BeginMessage(finalLSN: commit, commitTime: time, xid: xid))))
        for change in changes { append(change) }
        append(
            WireEncoder.encode(
                .commit(
                    CommitMessage(
                        commitLSN: commit, endLSN: LSN(rawValue: commit.rawValue + 48),
                        commitTime: time))))
        rows += changes.count
    }

    private mutating func append(_ message: [UInt8]) {
        position += 128
        payloads.append(WireEncoder.payload(message, at: LSN(rawValue: position)))
    }
}
