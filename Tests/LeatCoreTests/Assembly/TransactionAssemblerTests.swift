import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("Transaction assembler")
struct TransactionAssemblerTests {
    @Test("changes come out in order, with kinds, tuples and positions")
    func plain() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.relations)
        #expect(try feed.give(Wire.begin(7, commit: 0x100)) == .began)
        try feed.give(Wire.insert(Wire.a, "1", .null), at: 0x50)
        try feed.give(
            WireEncoder.update(Wire.b, old: .key(["1", .null]), new: ["2", .unchangedTOAST]))
        try feed.give(WireEncoder.delete(Wire.a, old: .full(["1", "x"])))
        #expect(try feed.give(Wire.commit(0x100)) == .committed(end: 0x108, isEmpty: false))

        let batch = feed.take()

        #expect(
            feed.transactions == [
                AssembledTransaction(
                    xid: 7, end: 0x108, origin: nil,
                    changes: [
                        "insert a/2 (1, null)", "update b/2 K(1, null) (2, unchanged)",
                        "delete a/2 O(1, x)",
                    ])
            ])
        #expect(batch.changes[0].lsn == 0x50)
        #expect(batch.transactions[0].commitLSN == 0x100)
    }

    @Test("several transactions share a batch, and each knows its first change")
    func several() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.relations)
        try feed.give(
            all: Wire.transaction(1, commit: 0x100, messages: [Wire.insert(Wire.a, "1", "x")]))
        try feed.give(
            all: Wire.transaction(2, commit: 0x200, messages: [Wire.insert(Wire.b, "2", "y")]))
        #expect(feed.assembler.completeTransactions == 2)

        let batch = feed.take()

        #expect(batch.transactions.map(\.firstChange) == [0, 1])
        #expect(batch.relations.map(\.name) == ["a", "b"])
        #expect(feed.transactions.map(\.end) == [0x108, 0x208])
        #expect(feed.assembler.completeTransactions == 0 && feed.assembler.batch.byteCount == 0)
    }

    @Test("a batch taken in the middle of a transaction holds a piece of it")
    func pieces() throws {
        var feed = AssemblerFeed()
        try feed.give(
            all: Wire.relations + [Wire.begin(1, commit: 0x100), Wire.insert(Wire.a, "1", "x")])
        let first = feed.take()
        try feed.give(all: [Wire.insert(Wire.a, "2", "y")])
        let second = feed.take()
        try feed.give(Wire.commit(0x100))
        let third = feed.take()

        let pieces = [first, second, third].flatMap(\.transactions)

        #expect(pieces.map(\.beganEarlier) == [false, true, true])
        #expect(pieces.map(\.isComplete) == [false, false, true])
        #expect(second.relations.map(\.name) == ["a"] && third.changes.isEmpty)
        #expect(
            feed.transactions.map(\.changes) == [["insert a/2 (1, x)", "insert a/2 (2, y)"]])
    }

    @Test("whole transactions do not take a piece of the next one along")
    func keepsOpen() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.relations)
        try feed.give(
            all: Wire.transaction(1, commit: 0x100, messages: [Wire.insert(Wire.a, "1", "x")]))
        try feed.give(all: [Wire.begin(2, commit: 0x200), Wire.insert(Wire.b, "2", "y")])
        let first = feed.take()
        try feed.give(all: [Wire.insert(Wire.a, "3", "z"), Wire.commit(0x200)])
        try feed.give(all: [Wire.begin(3, commit: 0x300), Wire.insert(Wire.b, "4", "u")])
        let second = feed.take()
        let third = feed.take()
        try feed.give(Wire.commit(0x300))
        feed.take()

        #expect(first.transactions.map(\.isComplete) == [true])
        #expect(first.relations.map(\.name) == ["a"])
        #expect(second.transactions.map(\.isComplete) == [true])
        #expect(second.transactions.map(\.beganEarlier) == [false])
        #expect(second.relations.map(\.name) == ["b", "a"])
        #expect(third.transactions.map(\.isComplete) == [false])
        #expect(
            feed.transactions.map(\.changes) == [
                ["insert a/2 (1, x)"], ["insert b/2 (2, y)", "insert a/2 (3, z)"],
                ["insert b/2 (4, u)"],
            ])
    }

    @Test("a transaction with nothing for us ends empty and leaves nothing")
    func empty() throws {
        var feed = AssemblerFeed(["b": .zero])
        try feed.give(
            all: Wire.relations + [Wire.begin(1, commit: 0x100), Wire.insert(Wire.a, "1", "x")])

        let action = try feed.give(Wire.commit(0x100))

        #expect(action == .committed(end: 0x108, isEmpty: true))
        #expect(feed.assembler.batch.byteCount == 0 && feed.take().transactions.isEmpty)
    }

    @Test("logical messages and types are passed over, inside a transaction and outside")
    func passedOver() throws {
        var feed = AssemblerFeed()
        let message = WireEncoder.encode(
            .message(
                LogicalDecodingMessage(isTransactional: false, lsn: 1, prefix: "p", content: [1])))
        let type = WireEncoder.encode(.type(.init(type: .init(oid: 1, schema: "s", name: "t"))))

        try feed.give(
            all: [message, type] + Wire.transaction(1, commit: 0x100, messages: [message, type]))

        #expect(feed.take().transactions.isEmpty)
    }

    @Test("a table that is not followed is told once, and its rows are left out")
    func unfollowed() throws {
        var feed = AssemblerFeed(["a": .zero])
        try feed.give(all: Wire.relations)
        for commit in [0x100, 0x200] as [LSN] {
            try feed.give(
                all: Wire.transaction(
                    1, commit: commit,
                    messages: [Wire.insert(Wire.b, "1", "x"), Wire.insert(Wire.a, "2", "y")]))
        }

        #expect(feed.takeUnfollowed() == ["public.b"])
        #expect(feed.takeUnfollowed().isEmpty)
        #expect(feed.allChanges() == ["insert a/2 (2, y)", "insert a/2 (2, y)"])
    }

    @Test("changes below a table's snapshot are skipped for that table only")
    func belowSnapshot() throws {
        var feed = AssemblerFeed(["a": 0x108, "b": .zero])
        try feed.give(all: Wire.relations)
        for commit in [0x100, 0x108, 0x110] as [LSN] {
            let row = WireValue.text("\(commit)")
            try feed.give(
                all: Wire.transaction(
                    1, commit: commit,
                    messages: [Wire.insert(Wire.a, row, "a"), Wire.insert(Wire.b, row, "b")]))
        }

        #expect(
            feed.allChanges() == [
                "insert b/2 (0/100, b)", "insert a/2 (0/108, a)", "insert b/2 (0/108, b)",
                "insert a/2 (0/110, a)", "insert b/2 (0/110, b)",
            ])
    }

    @Test("a transaction that ends at or before the position is stored already")
    func belowPosition() throws {
        var feed = AssemblerFeed(position: 0x208)
        try feed.give(all: Wire.relations)
        for (xid, commit) in [(1, 0x200), (2, 0x208)] as [(UInt32, LSN)] {
            try feed.give(
                all: Wire.transaction(
                    xid, commit: commit, messages: [Wire.insert(Wire.a, "1", "x")]))
        }

        feed.take()

        #expect(feed.transactions.map(\.xid) == [2])
    }

    @Test(
        "what came by replication is marked with its origin, or left out", arguments: [true, false])
    func origins(skips: Bool) throws {
        var feed = AssemblerFeed(skipsTransactionsWithOrigin: skips)
        let insert = Wire.insert(Wire.a, "1", "x")
        try feed.give(all: Wire.relations)
        try feed.give(all: Wire.transaction(1, commit: 0x100, messages: [insert]))
        try feed.give(
            all: Wire.transaction(2, commit: 0x200, messages: [Wire.origin("up"), insert]))
        try feed.give(all: Wire.transaction(3, commit: 0x300, messages: [insert]))

        feed.take()

        #expect(feed.transactions.map(\.xid) == (skips ? [1, 3] : [1, 2, 3]))
        #expect(feed.transactions.map(\.origin) == (skips ? [nil, nil] : [nil, "up", nil]))
    }

    @Test("a relation that changes in the middle of a batch has two descriptions there")
    func relationChanges() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.relations)
        try feed.give(
            all: Wire.transaction(
                1, commit: 0x100,
                messages: [
                    Wire.insert(Wire.a, "1", "x"), Wire.relation(Wire.a, named: "a", columns: 3),
                    Wire.insert(Wire.a, "2", "y", "z"),
                    Wire.relation(Wire.a, named: "a", columns: 3),
                    Wire.insert(Wire.a, "3", "y", "z"),
                ]))

        let batch = feed.take()

        #expect(batch.relations.map(\.columns.count) == [2, 3])
        #expect(
            feed.transactions.flatMap(\.changes) == [
                "insert a/2 (1, x)", "insert a/3 (2, y, z)", "insert a/3 (3, y, z)",
            ])
    }

    @Test("a renamed table is the same table, whatever other table had the name")
    func renamed() throws {
        var feed = AssemblerFeed()
        try feed.give(all: Wire.relations)
        let insert = Wire.insert(Wire.a, "1", "x")
        try feed.give(
            all: Wire.transaction(
                1, commit: 0x100,
                messages: [
                    insert, Wire.relation(Wire.a, named: "b"), Wire.relation(Wire.b, named: "a"),
                    insert,
                    Wire.insert(Wire.b, "2", "y"),
                ]))

        let batch = feed.take()
        #expect(
            batch.changes.map { batch.relations[Int($0.relation)].id } == [Wire.a, Wire.a, Wire.b])
        #expect(
            feed.transactions.flatMap(\.changes)
                == ["insert a/2 (1, x)", "insert b/2 (1, x)", "insert a/2 (2, y)"])
        #expect(feed.takeUnfollowed().isEmpty)
    }

    @Test("another table of a followed name is not the followed one")
    func sameName() throws {
        let other = RelationID(rawValue: 9)
        var feed = AssemblerFeed(["a": 0x200])
        try feed.give(all: [Wire.relation(Wire.a, named: "a"), Wire.relation(other, named: "a")])

        // Its predecessor, dropped before the copy: nobody's concern.
        try feed.give(
            all: Wire.transaction(1, commit: 0x100, messages: [Wire.insert(other, "1", "x")]))
        #expect(feed.takeUnfollowed().isEmpty)
        try feed.give(
            all: Wire.transaction(2, commit: 0x300, messages: [Wire.insert(other, "2", "y")]))

        #expect(feed.takeUnfollowed() == ["public.a"])
        #expect(feed.allChanges().isEmpty)
    }

    @Test("a truncate keeps the followed tables of its list, in order")
    func truncates() throws {
        var feed = AssemblerFeed(["a": .zero])
        try feed.give(all: Wire.relations)
        try feed.give(
            all: Wire.transaction(
                1, commit: 0x100,
                messages: [
                    Wire.truncate([Wire.b, Wire.a], cascade: true),
                    Wire.truncate([Wire.b]), Wire.truncate([Wire.a], restart: true),
                ]))

        #expect(feed.allChanges() == ["truncate a cascade", "truncate a restart"])
    }
}

@Suite("Transaction assembler's refusals")
struct TransactionAssemblerRefusalTests {
    private func refusal(_ messages: [[UInt8]]) -> StreamError.Code? {
        var feed = AssemblerFeed()
        for message in messages.dropLast() {
            #expect(throws: Never.self) { try feed.give(message) }
        }
        do {
            try feed.give(messages.last ?? [], at: 0x77)
            return nil
        } catch let error as StreamError {
            #expect(error.lsn == 0x77 && "\(error)".contains("0/77"))
            return error.code
        } catch {
            return nil
        }
    }

    private static let insert = Wire.insert(Wire.a, "1", "x")

    @Test(
        "messages out of order are refused",
        arguments: [
            (MessageKind.insert, [insert]),
            (.commit, [Wire.commit(1)]),
            (.origin, [Wire.origin("o")]),
            (.truncate, [Wire.truncate([Wire.a])]),
            (.begin, [Wire.begin(1, commit: 1), Wire.begin(2, commit: 2)]),
            (.streamStart, [Wire.begin(1, commit: 1), Wire.streamStart(2)]),
            (.streamStop, [Wire.streamStop]),
            (.streamStart, [Wire.streamStart(1), Wire.streamStart(2)]),
            (.begin, [Wire.streamStart(1), Wire.begin(2, commit: 2)]),
            (.commit, [Wire.streamStart(1), Wire.commit(2)]),
            (.streamCommit, [Wire.streamStart(1), Wire.streamCommit(1, commit: 2)]),
            (.streamAbort, [Wire.streamStart(1), Wire.streamAbort(1)]),
            (
                .streamCommit,
                [
                    Wire.streamStart(1), Wire.streamStop, Wire.begin(2, commit: 2),
                    Wire.streamCommit(1, commit: 2),
                ]
            ),
        ])
    func outOfOrder(_ kind: MessageKind, _ messages: [[UInt8]]) {
        #expect(refusal(messages) == .outOfOrder(kind))
    }

    @Test("parts of a streamed transaction that never began are refused")
    func unknownStreamed() {
        let unknown = StreamError.Code.unknownStreamedTransaction(TransactionID(rawValue: 3))

        #expect(refusal([Wire.streamStart(3, first: false)]) == unknown)
        #expect(refusal([Wire.streamCommit(3, commit: 2)]) == unknown)
        #expect(
            refusal([
                Wire.streamStart(3), Wire.streamStop, Wire.streamAbort(3),
                Wire.streamCommit(3, commit: 2),
            ]) == unknown)
    }

    @Test("a two-phase slot is refused at its first such message")
    func twoPhase() {
        let xid = TransactionID(rawValue: 1)
        let time = PostgresTimestamp(rawValue: 0)
        let prepare = PrepareMessage(
            prepareLSN: 1, endLSN: 2, prepareTime: time, xid: xid, gid: "g")
        let messages: [ControlMessage] = [
            .beginPrepare(.init(prepareLSN: 1, endLSN: 2, prepareTime: time, xid: xid, gid: "g")),
            .prepare(prepare), .streamPrepare(prepare),
            .commitPrepared(.init(commitLSN: 1, endLSN: 2, commitTime: time, xid: xid, gid: "g")),
            .rollbackPrepared(
                .init(
                    prepareEndLSN: 1, rollbackEndLSN: 2, prepareTime: time, rollbackTime: time,
                    xid: xid, gid: "g")),
        ]

        for message in messages {
            #expect(refusal([WireEncoder.encode(message)]) == .twoPhase(message.kind))
        }
    }

    @Test("rows of a relation that was not described are refused")
    func unknownRelation() {
        let unknown = StreamError.Code.unknownRelation(Wire.a)

        #expect(refusal([Wire.begin(1, commit: 1), Self.insert]) == unknown)
        #expect(refusal([Wire.begin(1, commit: 1), Wire.truncate([Wire.a])]) == unknown)
    }

    @Test(
        "a tuple with another number of columns than described is refused, an empty one too",
        arguments: [
            WireEncoder.insert(into: Wire.a, ["1"]),
            WireEncoder.insert(into: Wire.a, ["1", "2", "3"]),
            WireEncoder.insert(into: Wire.a, []), WireEncoder.update(Wire.a, new: []),
            WireEncoder.update(Wire.a, old: .key([]), new: ["1", "2"]),
            WireEncoder.update(Wire.a, old: .full(["1"]), new: ["1", "2"]),
            WireEncoder.delete(Wire.a, old: .key([])),
            WireEncoder.delete(Wire.a, old: .full(["1", "2", "3"])),
        ])
    func columnCounts(_ row: [UInt8]) throws {
        let code = try #require(refusal(Wire.relations + [Wire.begin(1, commit: 1), row]))

        guard case .columnCount(expected: 2, got: let got) = code else {
            Issue.record("\(code)")
            return
        }
        #expect(got != 2)
    }

    @Test("a table without columns has rows without columns")
    func noColumns() throws {
        var feed = AssemblerFeed()
        try feed.give(Wire.relation(Wire.a, named: "a", columns: 0))
        try feed.give(
            all: Wire.transaction(
                1, commit: 0x100, messages: [WireEncoder.insert(into: Wire.a, [])]))

        #expect(feed.allChanges() == ["insert a/0 ()"])
    }

    @Test("broken bytes are refused with the decoder's reason")
    func malformed() {
        guard case .malformed? = refusal([[0x42, 0]]) else {
            Issue.record("accepted")
            return
        }
        guard case .malformed? = refusal([[]]) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("the commit time is that of the newest transaction, and none while one is in progress")
    func commitTime() throws {
        func begin(_ time: Int64, _ commit: LSN) -> [UInt8] {
            WireEncoder.encode(
                .begin(
                    BeginMessage(
                        finalLSN: commit, commitTime: .init(rawValue: time),
                        xid: .init(rawValue: 1))))
        }
        var feed = AssemblerFeed()
        var seen: [Int64?] = []

        for message in [
            begin(70, 0x100), Wire.commit(0x100, time: 70), begin(80, 0x200),
            Wire.commit(0x200, time: 80), Wire.streamStart(9), Wire.streamStop,
        ] {
            try feed.give(message)
            seen.append(feed.assembler.commitTime?.rawValue)
        }

        #expect(seen == [70, 70, 80, 80, nil, 80])
    }
}
