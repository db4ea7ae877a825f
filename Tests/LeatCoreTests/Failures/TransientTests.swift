import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("Transient errors")
struct TransientTests {
    @Test(
        "what passes by itself is tried again",
        arguments: [
            "57P01", "57P02", "57P03", "40001", "40P01", "57014", "55006", "55P03", "08006",
            "08P01", "53100", "53300",
        ])
    func transient(_ state: SQLState) {
        #expect(Transient.isTransient(sqlState: state))
    }

    @Test(
        "what would come again is not",
        arguments: [
            "23505", "42P01", "42501", "22P02", "28P01", "3D000", "55000", "57P04", "XX000", "",
            "0",
        ])
    func lasting(_ state: SQLState) {
        #expect(!Transient.isTransient(sqlState: state))
    }

    @Test("a halt prints its message and then its advice")
    func halt() {
        #expect("\(Halt(.target, "It stands."))" == "It stands.")
        #expect("\(Halt(.target, "It stands.", advice: "Push."))" == "It stands.\nPush.")
    }
}
