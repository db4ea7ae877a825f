import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("Streamed transactions")
struct StreamedTransactionTests {
    private func insert(_ id: RelationID, _ value: String, _ xid: UInt32) -> [UInt8] {
        Wire.insert(id, .text(value), "x", xid: xid)
    }

    @Test("blocks between plain transactions come out whole at Stream Commit")
    func interleaved() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.relations)
        let described = Wire.relation(Wire.a, named: "a", xid: 9)
        try feed.give(all: Wire.block(9, messages: [described, insert(Wire.a, "1", 9)]))
        try feed.give(
            all: Wire.transaction(5, commit: 0x100, messages: [Wire.insert(Wire.b, "p", "x")]))
        try feed.give(all: Wire.block(9, first: false, messages: [insert(Wire.a, "2", 10)]))
        #expect(
            try feed.give(Wire.streamCommit(9, commit: 0x200))
                == .committed(end: 0x208, isEmpty: false))
        try feed.give(
            all: Wire.transaction(6, commit: 0x300, messages: [Wire.insert(Wire.a, "q", "x")]))

        feed.take()

        #expect(
            feed.transactions == [
                .init(xid: 5, end: 0x108, origin: nil, changes: ["insert b/2 (p, x)"]),
                .init(
                    xid: 9, end: 0x208, origin: nil,
                    changes: ["insert a/2 (1, x)", "insert a/2 (2, x)"]),
                .init(xid: 6, end: 0x308, origin: nil, changes: ["insert a/2 (q, x)"]),
            ])
    }

    @Test("what is asked for: a fresh spool, each row, the replay")
    func actions() throws {
        var feed = AssemblerFeed()
        let xid = TransactionID(rawValue: 9)
        #expect(try feed.give(Wire.streamStart(9)) == .discard(xid))
        #expect(try feed.give(Wire.relation(Wire.a, named: "a", xid: 9)) == .spool(xid))
        #expect(try feed.give(insert(Wire.a, "1", 9)) == .spool(xid))
        #expect(try feed.give(Wire.truncate([Wire.a], xid: 9)) == .spool(xid))
        #expect(try feed.give(Wire.streamStop) == .none)
        #expect(try feed.give(Wire.streamStart(9, first: false)) == .none)
        #expect(try feed.give(Wire.streamStop) == .none)
        #expect(try feed.give(Wire.streamAbort(9, sub: 10)) == .none)
        #expect(try feed.give(Wire.streamAbort(9)) == .discard(xid))
        #expect(!feed.assembler.isTransactionOpen)
    }

    @Test("subtransactions that were rolled back are left out, their truncates too")
    func abortedSubtransactions() throws {
        var feed = AssemblerFeed()
        try feed.give(
            all: Wire.block(
                9,
                messages: [
                    Wire.relation(Wire.a, named: "a", xid: 9), insert(Wire.a, "1", 9),
                    insert(Wire.a, "2", 10), Wire.truncate([Wire.a], xid: 10),
                    insert(Wire.a, "3", 11),
                ]))
        try feed.give(Wire.streamAbort(9, sub: 10))
        try feed.give(all: Wire.block(9, first: false, messages: [insert(Wire.a, "4", 9)]))
        try feed.give(Wire.streamCommit(9, commit: 0x100))

        #expect(
            feed.allChanges() == ["insert a/2 (1, x)", "insert a/2 (3, x)", "insert a/2 (4, x)"])
    }

    @Test("a relation described by a rolled-back subtransaction still describes later rows")
    func describedInAborted() throws {
        var feed = AssemblerFeed()
        try feed.give(
            all: Wire.block(
                9,
                messages: [
                    Wire.relation(Wire.a, named: "a", xid: 10), insert(Wire.a, "1", 10),
                    insert(Wire.a, "2", 9),
                ]))
        try feed.give(Wire.streamAbort(9, sub: 10))
        try feed.give(Wire.streamCommit(9, commit: 0x100))

        #expect(feed.allChanges() == ["insert a/2 (2, x)"])
    }

    @Test("a streamed transaction whose every change was rolled back is empty")
    func emptyAfterAborts() throws {
        var feed = AssemblerFeed()
        try feed.give(
            all: Wire.block(
                9, messages: [Wire.relation(Wire.a, named: "a", xid: 10), insert(Wire.a, "1", 10)]))
        try feed.give(Wire.streamAbort(9, sub: 10))

        let action = try feed.give(Wire.streamCommit(9, commit: 0x100))

        #expect(action == .committed(end: 0x108, isEmpty: true))
        #expect(feed.take().byteCount == 0)
    }

    @Test("a transaction ID that begins again after a whole abort begins empty")
    func beginsAgain() throws {
        var feed = AssemblerFeed()
        let described = Wire.relation(Wire.a, named: "a", xid: 9)
        try feed.give(all: Wire.block(9, messages: [described, insert(Wire.a, "1", 9)]))
        try feed.give(Wire.streamAbort(9))
        try feed.give(all: Wire.block(9, messages: [described, insert(Wire.a, "2", 9)]))
        try feed.give(Wire.streamCommit(9, commit: 0x100))

        #expect(feed.allChanges() == ["insert a/2 (2, x)"])
    }

    @Test("a batch taken in the middle of a replay holds a piece, and indexes start anew")
    func pieces() throws {
        var feed = AssemblerFeed()
        let rows = (1...5).map { insert($0 % 2 == 0 ? Wire.b : Wire.a, "\($0)", 9) }
        let described = [
            Wire.relation(Wire.a, named: "a", xid: 9), Wire.relation(Wire.b, named: "b", xid: 9),
        ]
        try feed.give(all: Wire.block(9, messages: described + rows))

        try feed.give(Wire.streamCommit(9, commit: 0x100)) { $0.take() }

        #expect(
            feed.allChanges() == [
                "insert a/2 (1, x)", "insert b/2 (2, x)", "insert a/2 (3, x)",
                "insert b/2 (4, x)", "insert a/2 (5, x)",
            ])
        #expect(feed.transactions.count == 1)
    }

    @Test("relations learned in a streamed transaction are everybody's after its commit")
    func relationsBecomeGlobal() throws {
        var feed = AssemblerFeed()
        let rows = [Wire.relation(Wire.a, named: "a", columns: 3, xid: 9)]
        try feed.give(all: Wire.block(9, messages: rows))
        try feed.give(Wire.streamCommit(9, commit: 0x100))

        try feed.give(
            all: Wire.transaction(5, commit: 0x200, messages: [Wire.insert(Wire.a, "1", "2", "3")]))

        #expect(feed.allChanges() == ["insert a/3 (1, 2, 3)"])
    }

    @Test("unless a newer description came meanwhile, which stays")
    func newerDescriptionStays() throws {
        var feed = AssemblerFeed()
        let old = Wire.relation(Wire.a, named: "a", columns: 2, xid: 9)
        try feed.give(all: Wire.block(9, messages: [old, insert(Wire.a, "1", 9)]))
        try feed.give(Wire.relation(Wire.a, named: "a", columns: 3))
        try feed.give(Wire.streamCommit(9, commit: 0x100))

        try feed.give(
            all: Wire.transaction(5, commit: 0x200, messages: [Wire.insert(Wire.a, "1", "2", "3")]))

        #expect(feed.allChanges() == ["insert a/2 (1, x)", "insert a/3 (1, 2, 3)"])
    }

    @Test("of two streamed transactions the later description stays, whoever commits first")
    func laterDescriptionStays() throws {
        for order in [[9, 8], [8, 9]] as [[UInt32]] {
            var feed = AssemblerFeed()
            try feed.give(
                all: Wire.block(
                    9, messages: [Wire.relation(Wire.a, named: "a", columns: 2, xid: 9)]))
            try feed.give(
                all: Wire.block(
                    8, messages: [Wire.relation(Wire.a, named: "a", columns: 3, xid: 8)]))
            try feed.give(Wire.streamCommit(order[0], commit: 0x100))
            try feed.give(Wire.streamCommit(order[1], commit: 0x180))

            try feed.give(
                all: Wire.transaction(
                    5, commit: 0x200, messages: [Wire.insert(Wire.a, "1", "2", "3")]))

            #expect(feed.allChanges() == ["insert a/3 (1, 2, 3)"])
        }
    }

    @Test("relations of an aborted streamed transaction are nobody's")
    func abortedRelations() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.block(9, messages: [Wire.relation(Wire.a, named: "a", xid: 9)]))
        try feed.give(Wire.streamAbort(9))

        #expect(throws: StreamError(.unknownRelation(Wire.a), at: .zero)) {
            try feed.give(
                all: Wire.transaction(5, commit: 0x200, messages: [Wire.insert(Wire.a, "1", "2")]))
        }
    }

    @Test("a streamed transaction below the position or a table's snapshot is skipped")
    func skipped() throws {
        var feed = AssemblerFeed(["a": 0x300, "b": .zero], position: 0x108)
        let described = [
            Wire.relation(Wire.a, named: "a", xid: 9), Wire.relation(Wire.b, named: "b", xid: 9),
        ]
        for commit in [0x100, 0x200] as [LSN] {
            try feed.give(
                all: Wire.block(
                    9, messages: described + [insert(Wire.a, "1", 9), insert(Wire.b, "2", 9)]))
            try feed.give(Wire.streamCommit(9, commit: commit))
        }

        #expect(feed.allChanges() == ["insert b/2 (2, x)"])
    }

    @Test(
        "the origin stands in the first block, and marks or filters the transaction",
        arguments: [true, false])
    func origins(skips: Bool) throws {
        var feed = AssemblerFeed(skipsTransactionsWithOrigin: skips)
        let described = Wire.relation(Wire.a, named: "a", xid: 9)
        try feed.give(
            all: Wire.block(9, messages: [Wire.origin("up"), described, insert(Wire.a, "1", 9)]))
        try feed.give(all: Wire.block(9, first: false, messages: [insert(Wire.a, "2", 9)]))
        try feed.give(Wire.streamCommit(9, commit: 0x100))

        feed.take()

        #expect(feed.transactions.map(\.origin) == (skips ? [] : ["up"]))
    }

    @Test("a broken message in the spool is refused at its place")
    func brokenSpool() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.block(9, messages: [Wire.relation(Wire.a, named: "a", xid: 9)]))
        try feed.give(
            all: Wire.block(9, first: false, messages: [Wire.insert(Wire.a, "1", xid: 9)]))

        #expect(throws: StreamError(.columnCount(expected: 2, got: 1), at: .zero)) {
            try feed.give(Wire.streamCommit(9, commit: 0x100))
        }
    }
}
