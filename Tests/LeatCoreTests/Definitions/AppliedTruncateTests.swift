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

    private func doubt(
        _ oid: UInt32 = 7, by changer: UInt32?, hasRows: Bool = false,
        _ alteration: DefinitionChange.Alteration = .unknown
    ) -> DefinitionChange.Doubt {
        .unlogged(oid: oid, changer: changer, hasRows: hasRows, alteration: alteration)
    }

    @Test("a file that its transaction was the last to change, if it sent what it wrote")
    func lastChange() {
        let (empty, written) = (doubt(by: 900), doubt(by: 900, hasRows: true))

        #expect(truncate(by: 900).explain([empty]) && truncate(by: 900).explainAtOnce([empty]))
        #expect(truncate(by: 900, isRefilled: true).explain([written]))
        #expect(!truncate(by: 900).explain([written]))
        #expect(!truncate(by: 899).explain([empty]) && !truncate(by: 899).explain([written]))
        // It was unlogged while it was truncated, or one of its partitions was truncated by itself.
        #expect(!truncate(by: 899, isRefilled: true).explain([written]))
        #expect(!truncate(by: 899, isRefilled: true).explain([empty]))
        #expect(!truncate(by: 900, isRefilled: true).hide([empty, written]))
    }

    @Test("of a savepoint: the table's own, or one that has changed all partitions last")
    func savepoint() {
        func doubts(
            _ changers: [UInt32], from oid: UInt32 = 7,
            _ alteration: DefinitionChange.Alteration = .unknown
        ) -> [DefinitionChange.Doubt] {
            changers.enumerated().map { doubt(oid + UInt32($0), by: $1, alteration) }
        }
        #expect(truncate(by: 899).explain(doubts([900], from: 5)))
        #expect(truncate(by: 899).explain(doubts([900, 900, 900])))
        #expect(!truncate(by: 899).explain(doubts([900, 901])))
        #expect(!truncate(by: 899).explain(doubts([899, 900])))
        #expect(!truncate(by: 901).explain(doubts([900, 900])))
        // Somebody has written rows into the table itself, and it was not the truncate's transaction.
        #expect(!truncate(by: 899).explain([doubt(5, by: 900, hasRows: true)]))
        #expect(truncate(by: 899, isRefilled: true).explain([doubt(5, by: 900, hasRows: true)]))

        // Each of them was truncated by itself, and then filled.
        let filled = [900, 900].map { doubt(by: $0, hasRows: true) }
        #expect(!truncate(by: 899).explain(filled))
        #expect(truncate(by: 899, isRefilled: true).explain(filled))

        // Whoever made all of them logged again in one transaction leaves the same.
        #expect(truncate(by: 899).hide(doubts([900, 900])))
        #expect(truncate(by: 899).hide(doubts([900], from: 5)))
        #expect(truncate(by: 899).explain(doubts([900, 900], .none)))
        #expect(!truncate(by: 899).hide(doubts([900, 900], .none)))
        // They may be those of a truncate that the stream has still to come to.
        #expect(!truncate(by: 899).explainAtOnce(doubts([900, 900], .none)))
        #expect(!truncate(by: 899).explain(doubts([900, 900], .earlier)))
        #expect(!truncate(by: 899).explain(doubts([900], from: 5, .earlier)))
    }

    @Test("one that was altered behind it as well, which hides what came between")
    func altered() {
        let altered = doubt(by: nil)

        #expect(truncate(by: 899).explain([altered]) && truncate(by: 899).hide([altered]))
        #expect(![AppliedTruncate]().explain([altered]))
    }

    @Test("none to which an ALTER gave its file last, whoever that was")
    func alteredLast() {
        for changer: UInt32? in [nil, 900, 901] {
            #expect(!truncate(by: 900, isRefilled: true).explain([doubt(by: changer, .last)]))
        }
        // Before the truncate.
        #expect(truncate(by: 900).explain([doubt(by: 900, .earlier)]))
    }
}
