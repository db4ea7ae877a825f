import LeatCore
import PGWire
import Testing

@Suite("Transactions that had ended when a snapshot was taken")
struct FinishedTransactionsTests {
    @Test(
        "are those before its end that were not in progress",
        arguments: [
            ("760:764:760,762", 759, true), ("760:764:760,762", 760, false),
            ("760:764:760,762", 761, true), ("760:764:760,762", 762, false),
            ("760:764:", 763, true), ("760:764:", 764, false),
            // The numbers have wrapped around: 2^32 + 5.
            ("4294967290:4294967301:4294967299", 4_294_967_295, true),
            ("4294967290:4294967301:4294967299", 3, false),
            ("4294967290:4294967301:4294967299", 4, true),
            ("4294967290:4294967301:4294967299", 5, false),
        ] as [(String, UInt32, Bool)])
    func contains(_ snapshot: String, _ xid: UInt32, _ isFinished: Bool) throws {
        let finished = try #require(FinishedTransactions(snapshot: snapshot))
        #expect(finished.contains(TransactionID(rawValue: xid)) == isFinished)
    }

    @Test("are known from nothing else", arguments: ["", "1:2", "1:x:", "1:2:3,x", "1:2:3:4"])
    func malformed(_ text: String) {
        #expect(FinishedTransactions(snapshot: text) == nil)
    }
}
