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

    @Test("one that was altered behind it as well, which hides what came between")
    func altered() {
        let altered = DefinitionChange.Doubt.unlogged(oid: 7, changer: nil, hasRows: false)

        #expect(truncate(by: 899).explain([altered]) && truncate(by: 899).hide([altered]))
        #expect(![AppliedTruncate]().explain([altered]))
    }
}
