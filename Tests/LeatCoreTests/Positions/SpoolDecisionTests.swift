import LeatCore
import PGWire
import Testing

extension SpoolFacts {
    /// A target at 0/300 whose spool holds 0/100 to 0/500, with the slot confirmed up to 0/400.
    fileprivate static let behind = SpoolFacts(
        start: StartFacts(
            stored: .init(
                isCreating: false, endLSN: 0x300, systemIdentifier: "71", database: "shop",
                timeline: 1, slot: "leat_a"),
            slot: .init(
                plugin: "pgoutput", database: "shop", isTemporary: false, isTwoPhase: false,
                confirmedFlushLSN: 0x400, walStatus: "reserved"),
            slotName: "leat_a", systemIdentifier: "71", database: "shop", timeline: 1,
            walEnd: 0x600, branchPoint: nil, copiesTables: true),
        folder: "/spool", stream: "a", reader: "a.copy.72",
        found: .init(
            archive: "f00d", stream: "a", reader: "a.copy.72", systemIdentifier: "71",
            database: "shop", beginning: 0x100, end: 0x500),
        mark: SpoolMark("f00d here:/spool"))

    fileprivate func with(_ change: (inout SpoolFacts) -> Void) -> SpoolFacts {
        var facts = self
        change(&facts)
        return facts
    }

    /// With what the slot alone leads to.
    fileprivate func start() throws -> (SpoolDecision, StartDecision) {
        let decision = try SpoolDecision(self)
        return (decision, try StartDecision(decision.bridged(start)))
    }
}

@Suite("Start with a spool") struct SpoolDecisionTests {
    @Test("a target may be behind its slot by what the spool holds")
    func goesOn() throws {
        let (decision, start) = try SpoolFacts.behind.start()
        #expect(decision == .goOn && start == .resume(at: 0x300))
        // Whatever the target's row says of it: it was moved, or a crash came before.
        #expect(try SpoolDecision(SpoolFacts.behind.with { $0.mark = nil }) == .goOn)
    }

    @Test("a stream without a spool, or with one that is older than its target, begins one")
    func begins() throws {
        let first = SpoolFacts.behind.with {
            $0.found = nil
            $0.start.slot?.confirmedFlushLSN = 0x300
        }
        #expect(try first.start() == (.begin, .resume(at: 0x300)))
        let old = SpoolFacts.behind.with {
            $0.start.stored?.endLSN = 0x510
            $0.start.slot?.confirmedFlushLSN = 0x510
        }
        #expect(try old.start() == (.begin, .resume(at: 0x510)))
        let new = SpoolFacts.behind.with {
            $0.found = nil
            $0.start.stored = nil
            $0.start.slot = nil
        }
        #expect(try new.start() == (.begin, .create))
    }

    /// A start that is refused, and what the message must name.
    struct Refused: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: ExitCode
        var names: String
        var facts: SpoolFacts

        init(
            _ description: String, _ code: ExitCode, names: String,
            _ change: (inout SpoolFacts) -> Void
        ) {
            testDescription = description
            self.code = code
            self.names = names
            facts = SpoolFacts.behind.with(change)
        }

        static let all = [
            Refused("another folder", .positionMismatch, names: "here:/spool") { $0.found = nil },
            Refused("an old folder", .positionMismatch, names: "here:/other") {
                $0.found?.end = 0x200
                $0.mark = SpoolMark("beef here:/other")
            },
            Refused("a slot beyond the spool", .positionMismatch, names: "0/501") {
                $0.start.slot?.confirmedFlushLSN = 0x501
            },
            Refused("a target that went back", .positionMismatch, names: "0/FF") {
                $0.start.stored?.endLSN = 0xFF
            },
            Refused("of another stream", .configuration, names: "another stream") {
                $0.found?.stream = "b"
            },
            Refused("of another target", .configuration, names: "a.copy.73") {
                $0.found?.reader = "a.copy.73"
            },
            Refused("of another source", .configuration, names: "earlier") {
                $0.found?.systemIdentifier = "99"
            },
            Refused("an archive", .configuration, names: "leat record") {
                $0.found?.reader = nil
            },
            Refused("of a stream that is gone", .configuration, names: "earlier") {
                $0.start.stored = nil
            },
        ]
    }

    @Test(
        "what would leave out a change, or remove somebody's, is refused", arguments: Refused.all)
    func refuses(_ start: Refused) throws {
        let halt = try #require(throws: Halt.self) { try start.facts.start() }

        #expect(halt.exitCode == start.code, "\(halt)")
        #expect("\(halt)".contains(start.names), "\(halt)")
    }

    @Test("a start without the spool is refused while the target is behind the slot")
    func leavesOut() throws {
        let mark = try #require(SpoolMark("f00d here:/a folder"))
        #expect(mark.text == "f00d here:/a folder")
        let halt = try #require(throws: Halt.self) {
            try mark.checkUnneeded(SpoolFacts.behind.start)
        }
        #expect(halt.exitCode == .positionMismatch && halt.message.contains("/a folder"))
        try mark.checkUnneeded(
            SpoolFacts.behind.with { $0.start.slot?.confirmedFlushLSN = 0x300 }.start)
    }
}
