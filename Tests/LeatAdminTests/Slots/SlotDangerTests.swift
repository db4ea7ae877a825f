import LeatAdmin
import LeatCore
import PGWire
import Testing

@Suite("The danger of a slot")
struct SlotDangerTests {
    private static let end = LSN(rawValue: 100 << 30)
    private static let limits = SlotLimits(walEnd: end, slotKeepBytes: 1 << 30)
    private static let noLimit = SlotLimits(walEnd: end, maxWALBytes: 1 << 30)

    /// An active logical slot that keeps `bytes`.
    private static func slot(
        _ name: String = "s", keeping bytes: UInt64 = 1 << 20,
        _ change: (inout ServerSlot) -> Void = { _ in }
    ) -> ServerSlot {
        var slot = ServerSlot(name: name, kind: .logical)
        slot.isActive = true
        slot.holder = .init(pid: 1)
        slot.walStatus = .reserved
        slot.restartLSN = LSN(rawValue: end.rawValue - bytes)
        slot.confirmedFlushLSN = slot.restartLSN
        change(&slot)
        return slot
    }

    private static func stream(at position: LSN, state: String = "streaming") -> SlotStream {
        SlotStream(
            stream: "main", state: state, position: position, slot: "s", systemIdentifier: "1",
            database: "shop")
    }

    private func kinds(_ danger: SlotDanger) -> [String] {
        danger.findings.map { "\($0.level.name) \($0.kind.rawValue)" }
    }

    @Test(
        "grows with the share of max_slot_wal_keep_size",
        arguments: [
            (0.0, []), (0.69, []), (0.71, ["warning near_limit"]), (0.89, ["warning near_limit"]),
            (0.91, ["critical near_limit"]), (1.2, ["critical near_limit"]),
        ] as [(Double, [String])])
    func share(_ share: Double, _ expected: [String]) {
        let slot = Self.slot(keeping: UInt64(share * Double(1 << 30)))

        #expect(kinds(SlotDanger(slot, within: Self.limits)) == expected)
    }

    @Test("without a limit is told by max_wal_size")
    func noLimit() {
        for (gibibytes, expected) in [
            (1, []), (2, ["warning no_limit"]), (9, ["warning no_limit"]),
            (10, ["critical no_limit"]),
        ] as [(UInt64, [String])] {
            let slot = Self.slot(keeping: gibibytes << 30)
            #expect(kinds(SlotDanger(slot, within: Self.noLimit)) == expected)
        }
    }

    @Test("a limit of nothing is none that could be divided by")
    func zeroLimit() {
        let limits = SlotLimits(walEnd: Self.end, slotKeepBytes: 0)

        #expect(Self.slot().retainedShare(limits) == nil)
        #expect(SlotDanger(Self.slot(keeping: 50 << 30), within: limits).level == .ok)
    }

    @Test("a lost slot is only that, whatever else is wrong with it")
    func lost() {
        let invalidated = Self.slot { slot in
            slot.walStatus = .lost
            slot.restartLSN = nil
            slot.isActive = false
            slot.catalogXminAge = 2_000_000_000
        }
        let conflicting = Self.slot { $0.invalidationReason = "rows_removed" }

        #expect(kinds(SlotDanger(invalidated, within: Self.limits)) == ["critical lost"])
        #expect(kinds(SlotDanger(conflicting, within: Self.limits)) == ["critical lost"])
        #expect(
            SlotDanger(conflicting, within: Self.limits).findings[0].message.contains(
                "rows_removed"))
        #expect(invalidated.retainedBytes(at: Self.end) == nil)
        #expect(conflicting.lagBytes(at: Self.end) == nil)
    }

    @Test("unreserved is worse than near the limit, and stands for it")
    func unreserved() {
        let slot = Self.slot(keeping: 2 << 30) { slot in
            slot.walStatus = .unreserved
            slot.safeWALBytes = -5
        }

        #expect(kinds(SlotDanger(slot, within: Self.limits)) == ["critical unreserved"])
    }

    @Test("inactivity is a notice, after a day a warning, and nothing for a standby's copy")
    func inactivity() {
        func idle(_ seconds: Double?, _ change: (inout ServerSlot) -> Void = { _ in }) -> [String] {
            kinds(
                SlotDanger(
                    Self.slot { slot in
                        slot.isActive = false
                        slot.inactiveSeconds = seconds
                        change(&slot)
                    }, within: Self.limits))
        }

        #expect(idle(nil) == ["notice inactive"])
        #expect(idle(86_399) == ["notice inactive"])
        #expect(idle(86_400) == ["warning forgotten"])
        #expect(idle(1e9) { $0.isSynced = true } == [])
        #expect(idle(1e9) { ($0.isSynced, $0.isTemporary) = (true, true) } == ["notice not_ready"])
        #expect(idle(1e9) { $0.restartLSN = nil } == ["notice inactive"])
    }

    @Test("an idle timeout is near in its last fifth")
    func idleTimeout() {
        var limits = Self.limits
        limits.idleTimeoutSeconds = 1000
        func idle(_ seconds: Double) -> [String] {
            kinds(
                SlotDanger(
                    Self.slot { ($0.isActive, $0.inactiveSeconds) = (false, seconds) },
                    within: limits))
        }

        #expect(idle(799) == ["notice inactive"])
        #expect(idle(800) == ["warning idle_timeout", "notice inactive"])
    }

    @Test("old transaction IDs are told by the server's own ages")
    func xmin() {
        func aged(_ xmin: Int?, _ catalog: Int?) -> [String] {
            kinds(
                SlotDanger(
                    Self.slot { ($0.xminAge, $0.catalogXminAge) = (xmin, catalog) },
                    within: Self.limits))
        }

        #expect(aged(nil, 199_999_999) == [])
        #expect(aged(nil, 200_000_000) == ["warning old_xmin"])
        #expect(aged(200_000_000, 3) == ["warning old_xmin"])
        #expect(aged(1, 1_600_000_000) == ["critical old_xmin"])
    }

    @Test("confirmed beyond its stream's position: changes are gone")
    func ahead() {
        let slot = Self.slot()
        let confirmed = slot.confirmedFlushLSN ?? .zero
        let before = LSN(rawValue: confirmed.rawValue - 1)
        func danger(_ stream: SlotStream) -> [String] {
            kinds(SlotDanger(slot, within: Self.limits, stream: stream))
        }

        #expect(danger(Self.stream(at: before)) == ["critical ahead"])
        #expect(danger(Self.stream(at: confirmed)) == [])
        #expect(danger(Self.stream(at: .zero, state: "creating")) == [])
    }

    @Test("sorts by level, then by kind, then by what is kept, then by name")
    func order() {
        let (limits, end) = (Self.limits, Self.end)
        let expected = [
            SlotDanger(missing: Self.stream(at: end)),
            SlotDanger(Self.slot("lost") { $0.walStatus = .lost }, within: limits),
            SlotDanger(Self.slot("unreserved") { $0.walStatus = .unreserved }, within: limits),
            SlotDanger(Self.slot("near", keeping: 1020 << 20), within: limits),
            SlotDanger(Self.slot("less_near", keeping: 1000 << 20), within: limits),
            SlotDanger(Self.slot("warned", keeping: 800 << 20), within: limits),
            SlotDanger(
                Self.slot("forgotten", keeping: 9) {
                    ($0.isActive, $0.inactiveSeconds) = (false, 1e6)
                }, within: limits),
            SlotDanger(Self.slot("idle", keeping: 9) { $0.isActive = false }, within: limits),
            SlotDanger(Self.slot("big", keeping: 2 << 20), within: limits),
            SlotDanger(Self.slot("a", keeping: 1 << 20), within: limits),
            SlotDanger(Self.slot("b", keeping: 1 << 20), within: limits),
        ]

        for _ in 0..<20 {
            let sorted = expected.shuffled().sorted { SlotDanger.isWorse($0, than: $1) }
            #expect(sorted == expected)
        }
    }

    @Test("the order is strict and total, whatever the slots")
    func strictOrder() {
        let dangers = (0..<60).map { number in
            SlotDanger(
                Self.slot("s\(number % 7)", keeping: UInt64(number % 5) * (240 << 20)) { slot in
                    slot.isActive = number % 2 == 0
                    slot.inactiveSeconds = number % 3 == 0 ? 1e6 : nil
                    slot.walStatus = number % 11 == 0 ? .lost : .reserved
                }, within: Self.limits)
        }

        for left in dangers {
            #expect(!SlotDanger.isWorse(left, than: left))
            for right in dangers where SlotDanger.isWorse(left, than: right) {
                #expect(!SlotDanger.isWorse(right, than: left))
                for third in dangers where SlotDanger.isWorse(right, than: third) {
                    #expect(SlotDanger.isWorse(left, than: third))
                }
            }
        }
    }
}
