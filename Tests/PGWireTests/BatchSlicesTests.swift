import PGWire
import Testing

@Suite("Batches cut and put together")
struct BatchSlicesTests {
    /// Transactions of some changes each, whose every value tells where it belongs.
    private func batch(_ transactions: [Int], from first: Int, relation: UInt32) -> Batch {
        var batch = Batch()
        batch.relations = [Self.relation(99), Self.relation(relation)]
        for (index, count) in transactions.enumerated() {
            let number = first + index
            batch.transactions.append(
                Transaction(
                    xid: TransactionID(rawValue: UInt32(number)),
                    commitLSN: LSN(rawValue: UInt64(number * 100)),
                    endLSN: LSN(rawValue: UInt64(number * 100 + 8)),
                    commitTime: PostgresTimestamp(rawValue: 0), firstChange: batch.changes.count))
            for change in 0..<count {
                let text = Array("\(number).\(change)".utf8)
                batch.columns += [
                    Column(kind: .null),
                    Column(
                        kind: .text, offset: UInt32(batch.bytes.count), length: UInt32(text.count)),
                ]
                batch.bytes += text + [0]
                batch.changes.append(
                    Change(
                        kind: .insert, relation: 1,
                        new: Tuple(first: UInt32(batch.columns.count - 2), count: 2),
                        lsn: LSN(rawValue: UInt64(number))))
            }
            batch.truncates.append(Truncate(relations: [1]))
            batch.changes.append(
                Change(
                    kind: .truncate, relation: UInt32(index), lsn: LSN(rawValue: UInt64(number))))
        }
        return batch
    }

    private static func relation(_ id: UInt32) -> Relation {
        Relation(
            id: RelationID(rawValue: id), schema: "s", name: "t\(id)", replicaIdentity: .default,
            columns: [])
    }

    /// All that a batch says, in words.
    private func told(_ batch: Batch) -> [String] {
        var lines: [String] = []
        for (index, transaction) in batch.transactions.enumerated() {
            let next = index + 1
            let end =
                next < batch.transactions.count
                ? batch.transactions[next].firstChange : batch.changes.count
            for change in batch.changes[transaction.firstChange..<end] {
                let relation =
                    change.kind == .truncate
                    ? batch.truncates[Int(change.relation)].relations[0] : change.relation
                let values = batch.columns(of: change.new).map { batch.text(of: $0) ?? "null" }
                lines.append(
                    "\(transaction.xid.rawValue) \(change.kind) "
                        + "\(batch.relations[Int(relation)].name) \(values)")
            }
        }
        return lines
    }

    @Test("put together, they say what both said, in their order")
    func appends() {
        let (left, right) = (
            batch([2, 0, 3], from: 1, relation: 5), batch([1, 2], from: 4, relation: 6)
        )
        var both = left
        both.append(right)

        #expect(told(both) == told(left) + told(right))
        #expect(both.relations.count == 3)
    }

    /// Of a table without columns.
    @Test("a row without columns stays within its batch, wherever it moves")
    func emptyRow() {
        var second = batch([1, 0], from: 3, relation: 2)
        second.changes.append(
            Change(
                kind: .insert, relation: 1,
                new: Tuple(first: UInt32(second.columns.count), count: 0), lsn: 4))
        var moved = Batch()

        moved.append(second, from: 1)

        #expect(moved.columns(of: moved.changes[1].new).isEmpty)
    }

    @Test("cut, they say the rest", arguments: 0...3)
    func drops(_ count: Int) {
        let whole = batch([2, 0, 3], from: 1, relation: 5)
        let first = batch(Array([2, 0, 3].prefix(count)), from: 1, relation: 5)

        let rest = whole.dropFirst(count)

        #expect(rest.transactions.count == 3 - count)
        #expect(told(first) + told(rest) == told(whole))
    }

    @Test("an empty one takes all of the next")
    func appendsToNothing() {
        let next = batch([1, 2], from: 1, relation: 5)
        var empty = Batch()
        empty.append(next)

        #expect(told(empty) == told(next))
    }

    @Test("the last transaction moves to another batch, with all that is its own", arguments: 0...3)
    func moves(_ changes: Int) {
        let whole = batch([2, 0, 1, changes], from: 1, relation: 5)
        var first = whole
        var second = batch([1], from: 0, relation: 6)
        let before = told(second)

        second.append(whole, from: 3)
        first.removeLast(keepingRelations: 2)

        #expect(told(first) == told(batch([2, 0, 1], from: 1, relation: 5)))
        #expect(first.byteCount == batch([2, 0, 1], from: 1, relation: 5).byteCount)
        #expect(told(second) == before + told(whole).suffix(changes + 1))
        #expect(second.relations.map(\.name) == ["t99", "t6", "t5"])
    }
}
