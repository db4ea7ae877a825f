import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// Position 0/280, last transaction 742 at 0/1C0, which `Wire` says committed at 5.
@Suite("The source's history up to the stored position")
struct KnownHistoryTests {
    private static let known = "0/1C0 742 5"

    private static func feed(
        _ last: String = known, confirmed: LSN = 0x100, tables: [String: LSN] = ["a": .zero],
        leavesOutOrigins: Bool = false
    ) throws -> AssemblerFeed {
        let history = KnownHistory(
            LastTransaction(last), position: 0x280, confirmed: confirmed,
            leavesOutOrigins: leavesOutOrigins, wayBack: "back")
        var feed = AssemblerFeed(tables, position: 0x280, history: history)
        try feed.give(all: Wire.relations)
        return feed
    }

    private static func change(_ xid: UInt32, _ commit: LSN, _ id: RelationID = Wire.a) -> [[UInt8]]
    {
        Wire.transaction(xid, commit: commit, messages: [Wire.insert(id, "1", "x")])
    }

    private static func isRefused(_ body: () throws -> Void) -> Bool {
        do { try body() } catch let error as StreamError {
            guard case .anotherHistory(let halt) = error.code else { return false }
            return halt.exitCode == .positionMismatch && halt.advice == "back"
        } catch {}
        return false
    }

    @Test("is the one that is known if the last transaction comes by, and is not applied again")
    func comesBy() throws {
        var feed = try Self.feed()
        try feed.give(all: Self.change(742, 0x1C0))
        try feed.assembler.keepaliveReceived(walEnd: 0x280)
        try feed.give(all: Self.change(743, 0x280))

        feed.take()

        #expect(feed.transactions.map(\.xid) == [743])
    }

    @Test(
        "is another if the last transaction is not there",
        arguments: [
            change(741, 0x1C0), change(742, 0x1D0), change(742, 0x300), change(743, 0x280),
            Wire.block(9, messages: [Wire.insert(Wire.a, "1", "x", xid: 9)]) + [
                Wire.streamCommit(9, commit: 0x1D0)
            ],
        ])
    func isMissing(_ messages: [[UInt8]]) throws {
        var feed = try Self.feed()

        #expect(Self.isRefused { try feed.give(all: messages) })
    }

    @Test("is another if it was committed at another time")
    func anotherTime() throws {
        var feed = try Self.feed("0/1C0 742 6")

        #expect(Self.isRefused { try feed.give(all: Self.change(742, 0x1C0)) })
    }

    @Test("is another if the server has nothing up to behind it")
    func passed() throws {
        var feed = try Self.feed()
        try feed.assembler.keepaliveReceived(walEnd: 0x1C0)

        #expect(Self.isRefused { try feed.assembler.keepaliveReceived(walEnd: 0x1C8) })
    }

    @Test("is another if something comes before the position that was never stored")
    func neverStored() throws {
        var feed = try Self.feed()
        try feed.give(all: Self.change(742, 0x1C0))
        // Nobody's concern: of another table, or without a row.
        try feed.give(
            all: Self.change(743, 0x200, Wire.b)
                + Wire.transaction(744, commit: 0x220, messages: []))

        #expect(Self.isRefused { try feed.give(all: Self.change(745, 0x240)) })
    }

    /// A spool that was begun at 0/220 and has come to 0/280 without a transaction.
    private static let spool = StartFacts(
        stored: .init(
            isCreating: false, endLSN: 0x280, systemIdentifier: "71", database: "shop",
            timeline: 1, slot: "leat_a", last: LastTransaction("0/220")),
        slot: .init(
            plugin: "pgoutput", database: "shop", isTemporary: false, isTwoPhase: false,
            confirmedFlushLSN: 0x100, walStatus: "reserved"),
        slotName: "leat_a", systemIdentifier: "71", database: "shop", timeline: 1, walEnd: 0x300,
        branchPoint: nil, copiesTables: true,
        keeper: KeeperWords(name: "spool", wayBack: "back", wayOn: { $0 }))

    @Test("of a spool that holds nothing yet goes by what its target has stored last")
    func ofTarget() throws {
        let known = try #require(LastTransaction(Self.known))
        let history = Self.spool.history(of: known, leavesOutOrigins: false)
        #expect(history?.start == 0x1C0)
        let begun = AssemblerFeed(["a": .zero], position: 0x280, history: history)
        var feed = begun
        try feed.give(all: Wire.relations)
        #expect(Self.isRefused { try feed.give(all: Self.change(743, 0x200)) })

        feed = begun
        // The target may have left out what it does not follow.
        try feed.give(all: Wire.relations + Self.change(742, 0x1C0) + Self.change(743, 0x200))
        #expect(Self.isRefused { try feed.give(all: Self.change(745, 0x240)) })

        let later = LastTransaction(commitLSN: 0x2C0, identity: known.identity)
        let ahead = Self.spool.history(of: later, leavesOutOrigins: false)
        feed = AssemblerFeed(["a": .zero], position: 0x280, history: ahead)
        try feed.give(all: Wire.relations + Self.change(743, 0x2A0))
        #expect(Self.isRefused { try feed.give(all: Self.change(744, 0x2D0)) })
    }

    @Test("what was copied later, or came from elsewhere, need not have been stored")
    func otherwiseKnown() throws {
        var feed = try Self.feed(tables: ["a": 0x400])
        try feed.give(all: Self.change(742, 0x1C0) + Self.change(745, 0x240))
        feed = try Self.feed(leavesOutOrigins: true)
        let message = [Wire.origin("x"), Wire.insert(Wire.a, "1", "x")]
        try feed.give(
            all: Self.change(742, 0x1C0) + Wire.transaction(745, commit: 0x240, messages: message))

        #expect(feed.allChanges().isEmpty)
    }

    @Test("need not show what the slot is past, or what is left out by now")
    func needNotCome() throws {
        for initial in [
            try Self.feed("0/80"), try Self.feed(confirmed: 0x1C8),
            try Self.feed("0/1C0 742 5 origin", leavesOutOrigins: true),
        ] {
            var feed = initial
            try feed.assembler.keepaliveReceived(walEnd: 0x240)
            #expect(Self.isRefused { try feed.give(all: Self.change(745, 0x240)) })
        }
        var feed = try Self.feed()
        feed.assembler.slotTaken(confirmed: 0x1C8)
        try feed.give(all: Self.change(743, 0x280))
        #expect(feed.allChanges().count == 1)
    }

    @Test("has nothing to compare at a position that is confirmed, or of an older Leat")
    func nothingToCompare() {
        func history(_ last: LastTransaction?, confirmed: LSN) -> KnownHistory? {
            KnownHistory(
                last, position: 0x280, confirmed: confirmed, leavesOutOrigins: false, wayBack: "")
        }
        let last = LastTransaction(Self.known)
        #expect(history(last, confirmed: 0x280) == nil && history(nil, confirmed: 0) == nil)
        #expect(history(LastTransaction(commitLSN: 0x280), confirmed: 0) == nil)
        #expect(history(last, confirmed: 0x100)?.start == 0x1C0)
        #expect(history(last, confirmed: 0x200)?.start == 0x200)
    }

    @Test("is kept as text", arguments: ["0/80", known, "16/B374D848 4294967295 -9 origin"])
    func text(_ text: String) throws {
        #expect(LastTransaction(text)?.text == text)
        #expect(LastTransaction("0/80 1") == nil && LastTransaction("x") == nil)
    }
}
