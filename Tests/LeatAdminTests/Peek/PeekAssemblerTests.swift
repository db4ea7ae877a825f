import LeatAdmin
import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("What is told of the changes that wait in a slot")
struct PeekAssemblerTests {
    private func insert(_ id: RelationID, _ xid: UInt32? = nil) -> [UInt8] {
        Wire.insert(id, .text("1"), .text("x"), xid: xid)
    }

    private func message(
        _ prefix: String, xid: UInt32? = nil, transactional: Bool = true, lsn: LSN = 1
    ) -> [UInt8] {
        WireEncoder.encode(
            .message(
                LogicalDecodingMessage(
                    xid: xid.map(TransactionID.init), isTransactional: transactional, lsn: lsn,
                    prefix: prefix, content: [1, 2, 3])))
    }

    @Test("a transaction is counted by table and operation, in the order of its first changes")
    func counts() throws {
        var feed = PeekFeed()
        try feed.give(Wire.relations)
        try feed.give(
            Wire.transaction(
                5, commit: 0x100,
                messages: [
                    Wire.origin("elsewhere"), insert(Wire.b), insert(Wire.a), insert(Wire.b),
                    Wire.truncate([Wire.a, Wire.b]), message("outbox"),
                ]))
        try feed.give(Wire.transaction(6, commit: 0x200, messages: []))

        let size = insert(Wire.a).count
        #expect(
            feed.lines == [
                "5 0/100..0/108 elsewhere: public.b insert 2/\(2 * size) truncate 1/0, "
                    + "public.a insert 1/\(size) truncate 1/\(Wire.truncate([Wire.a, Wire.b]).count)"
                    + ", messages outbox message 1/\(message("outbox").count)",
                "6 0/200..0/208:",
            ])
    }

    @Test("a transaction that comes in progress counts like one that comes whole")
    func streamedEqualsWhole() throws {
        var (whole, streamed) = (PeekFeed(), PeekFeed())
        let changes: [[UInt8]] = [insert(Wire.a), insert(Wire.a), insert(Wire.b), message("m")]
        let blocks: [[UInt8]] = [
            insert(Wire.a, 5), insert(Wire.a, 7), insert(Wire.b, 5), message("m", xid: 5),
        ]
        let described = [
            Wire.relation(Wire.a, named: "a", xid: 5), Wire.relation(Wire.b, named: "b", xid: 5),
        ]
        try whole.give(Wire.relations + Wire.transaction(5, commit: 0x100, messages: changes))
        try streamed.give(Wire.block(5, messages: described + [blocks[0]]))
        try streamed.give(Wire.block(5, first: false, messages: Array(blocks[1...])))
        try streamed.give([Wire.streamCommit(5, commit: 0x100)])

        #expect(streamed.lines == whole.lines)
        // Its descriptions hold from now on.
        try streamed.give(Wire.transaction(8, commit: 0x200, messages: [insert(Wire.b)]))
        #expect(streamed.lines.last == "8 0/200..0/208: public.b insert 1/\(changes[2].count)")
    }

    @Test("what a subtransaction or a whole transaction rolled back is no part of the counts")
    func rolledBack() throws {
        var feed = PeekFeed()
        try feed.give(Wire.relations)
        try feed.give(
            Wire.block(5, messages: [insert(Wire.a, 5), insert(Wire.a, 6), insert(Wire.b, 7)]))
        try feed.give([Wire.streamAbort(5, sub: 6), Wire.streamAbort(5, sub: 7)])
        try feed.give(Wire.block(5, first: false, messages: [insert(Wire.b, 8)]))
        try feed.give(Wire.block(9, messages: [insert(Wire.a, 9)]))
        try feed.give(Wire.block(12, messages: [insert(Wire.b, 12)]))
        #expect(
            feed.inProgress == ["5: public.a 1, public.b 1", "9: public.a 1", "12: public.b 1"])

        try feed.give([Wire.streamAbort(9), Wire.streamCommit(5, commit: 0x100)])

        let size = insert(Wire.a).count
        #expect(
            feed.lines == [
                "rolled back 9: public.a 1",
                "5 0/100..0/108: public.a insert 1/\(size), public.b insert 1/\(size)",
            ])
        #expect(feed.inProgress == ["12: public.b 1"])
    }

    @Test("memory of a transaction in progress follows its subtransactions, and stays exact")
    func manyRuns() throws {
        var feed = PeekFeed()
        try feed.give(Wire.relations)
        // Rows alternate between tables and subtransactions, so that no run is longer than one.
        for round in 0..<20_000 {
            let subxid = (round > 15_000 ? 206 : 6) + UInt32(round % 100)
            try feed.give(
                Wire.block(
                    5, first: round == 0, messages: [insert(Wire.a, subxid), insert(Wire.b, 5)]))
            if round == 15_000 {
                try feed.give((0..<50).map { Wire.streamAbort(5, sub: 6 + $0) })
            }
        }
        try feed.give([Wire.streamCommit(5, commit: 0x100)])

        // Of the first 15001 rounds half of the subtransactions went.
        let size = insert(Wire.a).count
        let kept = (0..<20_000).count { $0 > 15_000 || $0 % 100 >= 50 }
        #expect(
            feed.lines == [
                "5 0/100..0/108: public.a insert \(kept)/\(kept * size), "
                    + "public.b insert 20000/\(20_000 * size)"
            ])
    }

    @Test("nothing that commits at or after the end is told")
    func end() throws {
        var feed = PeekFeed(end: 0x200)
        try feed.give(Wire.relations)
        try feed.give(Wire.block(9, messages: [insert(Wire.a, 9)]))
        try feed.give(Wire.transaction(5, commit: 0x1E8, messages: [insert(Wire.a)]))
        #expect(!feed.passedEnd)
        try feed.give([message("m", transactional: false, lsn: 0x1FF)])
        #expect(feed.lines.last == "message m")
        var (plain, streamed, outside) = (feed, feed, feed)
        try plain.give([Wire.begin(6, commit: 0x200)])
        try streamed.give([Wire.streamCommit(9, commit: 0x200)])
        try outside.give([message("m", transactional: false, lsn: 0x201)])
        #expect(plain.passedEnd && streamed.passedEnd && outside.passedEnd)
        #expect(plain.lines == feed.lines && streamed.lines == feed.lines)
    }

    @Test("only the tables that are looked for are counted, under the names that they had")
    func tables() throws {
        var feed = PeekFeed(tables: ["public.old*", "b"])
        try feed.give([Wire.relation(Wire.a, named: "older"), Wire.relation(Wire.b, named: "b")])
        try feed.give(Wire.transaction(5, commit: 0x100, messages: [insert(Wire.a), message("m")]))
        try feed.give([Wire.relation(Wire.a, named: "newer")])
        try feed.give(Wire.transaction(6, commit: 0x200, messages: [insert(Wire.a)]))
        try feed.give(
            Wire.transaction(7, commit: 0x300, messages: [insert(Wire.a), insert(Wire.b)]))

        let size = insert(Wire.a).count
        #expect(
            feed.lines == [
                "5 0/100..0/108: public.older insert 1/\(size)", "6 0/200..0/208:",
                "7 0/300..0/308: public.b insert 1/\(size)",
            ])
    }

    @Test("changes with values: keys, unchanged and null columns, truncates and messages")
    func values() throws {
        var feed = PeekFeed(showsChanges: true)
        try feed.give([Wire.relation(Wire.a, named: "a", columns: 3)])
        try feed.give([
            Wire.begin(5, commit: 0x100),
            Wire.insert(Wire.a, .text("1"), .null, .text("it's")),
            WireEncoder.update(
                Wire.a, old: .key([.text("1"), .null, .null]),
                new: [.text("2"), .unchangedTOAST, .text("")]),
            WireEncoder.delete(Wire.a, old: .full([.text("2"), .null, .text("z")])),
            Wire.truncate([Wire.a], cascade: true, restart: true), message("m"),
            Wire.commit(0x100), message("n", transactional: false, lsn: 0x140),
        ])

        #expect(
            feed.lines == [
                "5 insert public.a id=1 v1=NULL v2=it's",
                "5 update public.a id=1 -> id=2 v1=unchanged v2=",
                "5 delete public.a id=2 v1=NULL v2=z",
                "5 truncate public.a cascade restart",
                "5 message m 3 in transaction",
                "5 0/100..0/108: \(feed.counted)",
                "0 message n 3",
            ])
    }

    @Test("prefixes of messages are told apart up to a number")
    func prefixes() throws {
        var feed = PeekFeed()
        try feed.give(
            Wire.transaction(5, commit: 0x100, messages: (0..<1000).map { message("p\($0)") }))

        #expect(feed.subjects == 201)
    }

    @Test(
        "messages where the protocol does not allow them are errors",
        arguments: [
            [Wire.commit(0x100)], [Wire.insert(Wire.a, .text("1"), .text("x"))],
            [Wire.begin(5, commit: 0x100), Wire.insert(RelationID(rawValue: 77), .text("1"))],
            [Wire.begin(5, commit: 0x100), Wire.begin(6, commit: 0x200)],
            [Wire.begin(5, commit: 0x100), Wire.insert(Wire.a, .text("1"))],
            [Wire.streamStop], [Wire.streamStart(5, first: false)],
            [Wire.streamCommit(5, commit: 0x100)], [Wire.truncate([Wire.a])],
            [Wire.streamStart(5), Wire.streamStart(6)], [Wire.origin("o")], [[0x42, 1]],
        ])
    func errors(_ messages: [[UInt8]]) throws {
        var feed = PeekFeed()
        try feed.give(Wire.relations)

        #expect(throws: StreamError.self) { try feed.give(messages) }
    }
}
