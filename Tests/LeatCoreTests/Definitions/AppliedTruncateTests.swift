import LeatCore
import PGWire
import Testing

@Suite("What a truncate that was applied explains")
struct AppliedTruncateTests {
    private func truncate(by xid: UInt32, isRefilled: Bool = false) -> [AppliedTruncate] {
        [
            AppliedTruncate(
                table: RelationID(rawValue: 5), xid: TransactionID(rawValue: xid),
                isRefilled: isRefilled)
        ]
    }

    @Test("a file that its transaction was the last to change; of a savepoint, rows of its own too")
    func lastChange() {
        let empty = DefinitionChange.Doubt.unlogged(oid: 7, changer: 900, hasRows: false)
        let written = DefinitionChange.Doubt.unlogged(oid: 7, changer: 900, hasRows: true)

        #expect(truncate(by: 900).explain([empty, written]))
        #expect(!truncate(by: 899).explain([empty]) && !truncate(by: 899).explain([written]))
        #expect(truncate(by: 899, isRefilled: true).explain([written]))
        // One of its partitions was truncated by itself.
        #expect(!truncate(by: 899, isRefilled: true).explain([empty]))
        #expect(!truncate(by: 900).hide([empty, written]))
    }

    @Test("of a savepoint: the table's own, or one that has changed all partitions last")
    func savepoint() {
        func doubts(_ changers: [UInt32], from oid: UInt32 = 7) -> [DefinitionChange.Doubt] {
            changers.enumerated().map { index, changer in
                .unlogged(oid: oid + UInt32(index), changer: changer, hasRows: false)
            }
        }
        #expect(truncate(by: 899).explain(doubts([900], from: 5)))
        #expect(truncate(by: 899).explain(doubts([900, 900, 900])))
        #expect(!truncate(by: 899).explain(doubts([900, 901])))
        #expect(!truncate(by: 899).explain(doubts([899, 900])))
        #expect(!truncate(by: 901).explain(doubts([900, 900])))
        // Somebody has written rows into the table itself, and it was not the truncate's transaction.
        #expect(
            !truncate(by: 899).explain([.unlogged(oid: 5, changer: 900, hasRows: true)]))
    }

    @Test("one that was altered behind it as well, which hides what came between")
    func altered() {
        let altered = DefinitionChange.Doubt.unlogged(oid: 7, changer: nil, hasRows: false)

        #expect(truncate(by: 899).explain([altered]) && truncate(by: 899).hide([altered]))
        #expect(![AppliedTruncate]().explain([altered]))
    }
}
