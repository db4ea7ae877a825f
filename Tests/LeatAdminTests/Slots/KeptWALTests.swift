import LeatAdmin
import LeatCore
import PGWire
import Testing

@Suite("WAL that becomes free")
struct KeptWALTests {
    private static func slot(_ name: String, at restart: LSN?, isLost: Bool = false) -> ServerSlot {
        var slot = ServerSlot(name: name, kind: .physical)
        slot.restartLSN = restart
        slot.walStatus = isLost ? .lost : .reserved
        return slot
    }

    private static func kept(_ slots: [ServerSlot], keepBytes: Int = 0) -> KeptWAL {
        KeptWAL(slots, walEnd: 1000, redo: 900, keepBytes: keepBytes)
    }

    @Test("is what no other slot, no checkpoint and no wal_keep_size keeps")
    func freed() {
        let slots = [Self.slot("a", at: 100), Self.slot("b", at: 400), Self.slot("c", at: 950)]

        let kept = Self.kept(slots)

        #expect(kept.freed(dropping: ["a"]) == .init(bytes: 300, keeper: "b"))
        #expect(kept.freed(dropping: ["b"]) == .init(bytes: 0, keeper: "a"))
        #expect(kept.freed(dropping: ["a", "b"]) == .init(bytes: 800, keeper: nil))
        #expect(kept.freed(dropping: ["a", "b", "c"]) == .init(bytes: 800, keeper: nil))
        #expect(Self.kept(slots, keepBytes: 700).freed(dropping: ["a", "b"]).bytes == 200)
        #expect(Self.kept(slots, keepBytes: 5000).freed(dropping: ["a", "b"]).bytes == 0)
    }

    @Test("lost and unused slots keep nothing")
    func nothingKept() {
        let slots = [
            Self.slot("lost", at: 100, isLost: true), Self.slot("unused", at: nil),
            Self.slot("a", at: 200),
        ]

        let kept = Self.kept(slots)

        #expect(kept.freed(dropping: ["lost", "unused"]) == .init(bytes: 0, keeper: "a"))
        #expect(kept.freed(dropping: ["a"]) == .init(bytes: 700, keeper: nil))
        #expect(Self.kept([]).freed(dropping: []) == .init(bytes: 0, keeper: nil))
    }
}
