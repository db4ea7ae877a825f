import LeatCore
import PGWire
import Testing

extension StartFacts {
    /// A stream at 0/200 whose slot is confirmed up to 0/100, on a source that ends at 0/300.
    fileprivate static let resumable = StartFacts(
        stored: .init(
            isCreating: false, endLSN: 0x200, systemIdentifier: "71", database: "shop",
            timeline: 1, slot: "leat_a"),
        slot: .init(
            plugin: "pgoutput", database: "shop", isTemporary: false, isTwoPhase: false,
            confirmedFlushLSN: 0x100, walStatus: "reserved"),
        slotName: "leat_a", systemIdentifier: "71", database: "shop", timeline: 1, walEnd: 0x300,
        branchPoint: nil, copiesTables: true)

    fileprivate func with(_ change: (inout StartFacts) -> Void) -> StartFacts {
        var facts = self
        change(&facts)
        return facts
    }
}

/// A start that is refused, and what the message must name.
struct RefusedStart: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var facts: StartFacts
    var exitCode = ExitCode.positionMismatch
    var names: [String]

    init(
        _ description: String, _ exitCode: ExitCode = .positionMismatch, names: [String],
        _ change: (inout StartFacts) -> Void
    ) {
        testDescription = description
        self.exitCode = exitCode
        self.names = names
        facts = StartFacts.resumable.with(change)
    }

    static let all = [
        RefusedStart("the slot is gone", names: ["leat_a"]) { $0.slot = nil },
        RefusedStart("the slot is lost", names: ["leat_a", "removed WAL", "lost"]) {
            $0.slot?.walStatus = "lost"
        },
        RefusedStart("the slot was idle", names: ["nobody has read", "--truncate"]) {
            $0.slot?.invalidationReason = "idle_timeout"
        },
        RefusedStart("another database of the name", names: ["shop"]) {
            $0.stored?.databaseOID = 16_384
            $0.databaseOID = 16_385
        },
        RefusedStart("the slot is ahead", names: ["leat_a", "0/201", "0/200"]) {
            $0.slot?.confirmedFlushLSN = 0x201
        },
        RefusedStart("the slot is ahead of a spool", names: ["when the target can be reached"]) {
            $0.keeper = .spool
            $0.slot?.confirmedFlushLSN = 0x201
        },
        RefusedStart("the slot has no position", names: ["leat_a has no position", "0/200"]) {
            $0.slot?.confirmedFlushLSN = nil
        },
        RefusedStart("an older slot of the name", names: ["leat_a", "0/100", "0/101", "older"]) {
            $0.stored?.slotBeginning = 0x101
        },
        RefusedStart("the source went back", names: ["0/200", "0/1FF"]) { $0.walEnd = 0x1FF },
        RefusedStart("another system", names: ["71", "72", "shop"]) {
            $0.systemIdentifier = "72"
        },
        RefusedStart("another database", names: ["shop", "till"]) { $0.database = "till" },
        RefusedStart("another slot", .configuration, names: ["leat_a", "mine"]) {
            $0.slotName = "mine"
        },
        RefusedStart("another plugin", names: ["leat_a", "wal2json"]) {
            $0.slot?.plugin = "wal2json"
        },
        RefusedStart("a physical slot", names: ["leat_a", "physical"]) { $0.slot?.plugin = nil },
        RefusedStart("a slot of another database", names: ["leat_a", "till"]) {
            $0.slot?.database = "till"
        },
        RefusedStart("a temporary slot", names: ["leat_a", "temporary"]) {
            $0.slot?.isTemporary = true
        },
        RefusedStart("a two-phase slot", names: ["leat_a", "two-phase"]) {
            $0.slot?.isTwoPhase = true
        },
        RefusedStart("a slot without a row", names: ["leat_a", "--no-copy"]) { $0.stored = nil },
        RefusedStart("a half-made slot without a row", names: ["leat_a"]) {
            $0.stored = nil
            $0.copiesTables = false
            $0.slot?.confirmedFlushLSN = nil
        },
        RefusedStart("an older timeline", names: ["timeline 1", "timeline 2", "0/200"]) {
            $0.stored?.timeline = 2
            $0.branchPoint = 0x250
        },
        RefusedStart("a timeline of unknown history", names: ["timeline 2", "0/200"]) {
            $0.timeline = 2
        },
        RefusedStart("past the branch point", names: ["timeline 2", "0/200", "timeline 1"]) {
            $0.timeline = 2
            $0.branchPoint = 0x1FF
        },
        RefusedStart("creating, on another system", names: ["71", "72"]) {
            $0.stored?.isCreating = true
            $0.systemIdentifier = "72"
        },
    ]
}

@Suite("Start decision")
struct StartDecisionTests {
    private let resumable = StartFacts.resumable

    @Test("with neither row nor slot the stream is new")
    func new() throws {
        let decision = try StartDecision(
            resumable.with {
                $0.stored = nil
                $0.slot = nil
            })

        #expect(decision == .create)
    }

    @Test("after a crash while creating, a slot that came to be is made again")
    func creating() throws {
        let creating = resumable.with { $0.stored?.isCreating = true }

        #expect(try StartDecision(creating) == .recreate)
        #expect(try StartDecision(creating.with { $0.slot = nil }) == .create)
    }

    @Test("a stored position between slot and end of WAL is resumed, the bounds included")
    func resumes() throws {
        for confirmed in [0x100, 0x200] as [LSN] {
            for walEnd in [0x200, 0x300] as [LSN] {
                let decision = try StartDecision(
                    resumable.with {
                        $0.stored?.slotBeginning = 0x100
                        $0.slot?.confirmedFlushLSN = confirmed
                        $0.walEnd = walEnd
                    })
                #expect(decision == .resume(at: 0x200))
            }
        }
    }

    @Test("a slot that runs short of WAL is still good", arguments: ["extended", "unreserved"])
    func walStatus(_ status: String) throws {
        let decision = try StartDecision(resumable.with { $0.slot?.walStatus = status })

        #expect(decision == .resume(at: 0x200))
    }

    @Test("without a copy an existing slot is taken at its confirmed position")
    func adopts() throws {
        let decision = try StartDecision(
            resumable.with {
                $0.stored = nil
                $0.copiesTables = false
            })

        #expect(decision == .adopt(at: 0x100))
    }

    @Test("a newer timeline is followed from a position at or before its branch point")
    func followsTimeline() throws {
        let decision = try StartDecision(
            resumable.with {
                $0.timeline = 3
                $0.branchPoint = 0x200
            })

        #expect(decision == .resume(at: 0x200))
    }

    @Test(
        "what would lose changes is refused, with names and the way back",
        arguments: RefusedStart.all)
    func refuses(_ start: RefusedStart) throws {
        let halt = try #require(throws: Halt.self) { try StartDecision(start.facts) }

        #expect(halt.exitCode == start.exitCode)
        for name in start.names { #expect(halt.description.contains(name)) }
        #expect(halt.advice?.isEmpty == false)
    }
}
