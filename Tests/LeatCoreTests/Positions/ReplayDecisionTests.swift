import LeatCore
import PGWire
import Testing

@Suite("How a replay begins")
struct ReplayDecisionTests {
    private func facts(
        stored end: LSN? = nil, slot: String = "archive 1", bases: [ReplayFacts.Base] = [],
        wanted: ReplayFacts.Beginning = .newestBase, until: LSN? = nil, isCreating: Bool = false
    ) -> ReplayFacts {
        ReplayFacts(
            stored: end.map {
                StartFacts.Stored(
                    isCreating: isCreating, endLSN: $0, systemIdentifier: "7", database: "shop",
                    timeline: 1, slot: slot)
            }, archive: "archive 1", systemIdentifier: "7", database: "shop", beginning: 100,
            end: 500, bases: bases, wanted: wanted, until: until)
    }

    private func code(_ facts: ReplayFacts) -> ExitCode? {
        do throws(Halt) {
            _ = try ReplayDecision(facts)
            return nil
        } catch { return error.exitCode }
    }

    @Test("a new stream takes the newest base that is not too late")
    func takesNewest() throws {
        let bases = [
            ReplayFacts.Base(point: 150, isBeforeEnd: true),
            .init(point: 250, isBeforeEnd: true), .init(point: 350, isBeforeEnd: false),
        ]

        #expect(try ReplayDecision(facts(bases: bases)) == .copy(base: 250))
        #expect(try ReplayDecision(facts(bases: bases, wanted: .base(150))) == .copy(base: 150))
        #expect(code(facts(bases: bases, wanted: .base(350))) == .configuration)
        #expect(code(facts(bases: bases, wanted: .base(151))) == .configuration)
        #expect(code(facts(bases: [bases[2]])) == .preflight)
        #expect(code(facts()) == .preflight)
    }

    @Test("without a copy it begins where the archive does")
    func adopts() throws {
        #expect(try ReplayDecision(facts(wanted: .noCopy)) == .adopt(at: 100))
    }

    @Test("a stream goes on at its position, whatever bases there are", arguments: [100, 300, 500])
    func resumes(_ position: UInt64) throws {
        let end = LSN(rawValue: position)
        #expect(
            try ReplayDecision(
                facts(stored: end, bases: [.init(point: 400, isBeforeEnd: true)]))
                == .resume(at: end))
    }

    @Test("what is left of a stream's own spool is played without its slot")
    func playsSpool() throws {
        var facts = facts(stored: 300, slot: "leat_a")
        #expect(code(facts) == .configuration)
        facts.isSpool = true
        #expect(try ReplayDecision(facts) == .resume(at: 300))
        facts.stored?.endLSN = 501
        #expect(code(facts) == .positionMismatch)
    }

    @Test("a position outside the archive, or another archive's, is refused")
    func refuses() {
        #expect(code(facts(stored: 99)) == .positionMismatch)
        #expect(code(facts(stored: 501)) == .positionMismatch)
        #expect(code(facts(stored: 300, slot: "archive 2")) == .positionMismatch)
        #expect(code(facts(stored: 300, slot: "leat_main")) == .configuration)
        #expect(code(facts(stored: 300, until: 299)) == .configuration)
        var other = facts(stored: 300)
        other.database = "else"
        #expect(code(other) == .positionMismatch)
    }

    @Test("a stream whose rewinding was broken off begins anew")
    func beginsAnew() throws {
        #expect(
            try ReplayDecision(
                facts(
                    stored: 300, bases: [.init(point: 200, isBeforeEnd: true)], isCreating: true))
                == .copy(base: 200))
    }
}
