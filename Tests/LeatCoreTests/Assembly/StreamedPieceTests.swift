import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("Pieces of transactions in progress")
struct StreamedPieceTests {
    private let nine = TransactionID(rawValue: 9)
    private let ten = TransactionID(rawValue: 10)

    private func insert(_ value: String, _ xid: UInt32) -> [UInt8] {
        Wire.insert(Wire.a, .text(value), "x", xid: xid)
    }

    private func begin(_ feed: inout AssemblerFeed, _ rows: [[UInt8]]) throws {
        try feed.give(all: Wire.relations)
        try feed.give(
            all: Wire.block(9, messages: [Wire.relation(Wire.a, named: "a", xid: 9)] + rows))
    }

    @Test("a piece says where it stands, and where its subtransactions begin")
    func piece() throws {
        var feed = AssemblerFeed(piecesAtOnce: 1)
        try begin(&feed, [insert("1", 9), insert("2", 10), insert("3", 10)])

        let first = feed.take()
        try feed.give(
            all: Wire.block(9, first: false, messages: [insert("4", 10), insert("5", 11)]))
        let second = feed.take()

        #expect(first.piece?.isFirst == true && second.piece?.isFirst == false)
        #expect(first.piece?.subtransactions == [.init(xid: ten, firstChange: 1)])
        #expect(second.piece?.subtransactions.map(\.firstChange) == [1])
        #expect(first.transactions.map(\.isComplete) == [false])
        #expect(
            try feed.give(Wire.streamCommit(9, commit: 0x200))
                == .committed(end: 0x208, isEmpty: false))
        #expect(feed.transactions.map(\.changes.count) == [5])
    }

    @Test("a rollback drops what is still here, and is told of what has left")
    func rollback() throws {
        var feed = AssemblerFeed(piecesAtOnce: 1)
        try begin(&feed, [insert("1", 9), insert("2", 10)])
        feed.take()
        try feed.give(
            all: Wire.block(9, first: false, messages: [insert("3", 10), insert("4", 11)]))

        try feed.give(Wire.streamAbort(9, sub: 11))
        #expect(feed.assembler.batch.changes.count == 1)
        try feed.give(Wire.streamAbort(9, sub: 10))
        #expect(feed.assembler.batch.changes.isEmpty)
        try feed.give(all: Wire.block(9, first: false, messages: [insert("5", 9)]))

        #expect(feed.take().piece?.rollsBackTo == ten)
    }

    /// What it held would keep the receiver from reading on, and never leave.
    @Test("a piece whose every change was rolled back holds nothing")
    func emptied() throws {
        var feed = AssemblerFeed(piecesAtOnce: 1)
        try begin(&feed, [insert("1", 10), insert("2", 10)])
        #expect(feed.assembler.batch.byteCount > 0)

        try feed.give(Wire.streamAbort(9, sub: 10))

        #expect(feed.assembler.batch.byteCount == 0)
        #expect(
            try feed.give(Wire.streamCommit(9, commit: 0x200))
                == .committed(end: 0x208, isEmpty: true))
        #expect(feed.transactions.isEmpty && feed.pieces == 0)
    }

    @Test("one that may have been copied, or comes while others leave in pieces, is spooled")
    func spooled() throws {
        var feed = AssemblerFeed(["a": 0x180, "b": .zero], piecesAtOnce: 1)
        try feed.give(all: Wire.relations)
        let described = Wire.relation(Wire.a, named: "a", xid: 9)
        try feed.give(Wire.streamStart(9))
        #expect(try feed.give(described) == .spool(nine))
        try feed.give(Wire.streamStop)

        try feed.give(
            all: Wire.transaction(5, commit: 0x190, messages: [Wire.insert(Wire.b, "p", "x")]))
        try feed.give(Wire.streamStart(20))
        #expect(try feed.give(Wire.relation(Wire.a, named: "a", xid: 20)) == .none)
        try feed.give(Wire.streamStop)
        try feed.give(Wire.streamStart(21))
        #expect(
            try feed.give(Wire.relation(Wire.a, named: "a", xid: 21))
                == .spool(TransactionID(rawValue: 21)))
    }

    @Test("a rollback of the whole is told if a piece has left")
    func aborted() throws {
        var feed = AssemblerFeed(piecesAtOnce: 1)
        try begin(&feed, [insert("1", 9)])
        feed.take()
        #expect(feed.pieces == 1)

        #expect(try feed.give(Wire.streamAbort(9)) == .discard(nine))

        #expect(feed.pieces == 2)
        #expect(feed.transactions.isEmpty)
    }
}
