import LeatAdmin
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// Messages that no server sends in this order, the last of which is refused.
struct BrokenStream: CustomTestStringConvertible {
    var testDescription: String
    var messages: [[UInt8]]
    var code: StreamError.Code

    init(_ what: String, _ messages: [[UInt8]], _ code: StreamError.Code) {
        (testDescription, self.messages, self.code) = (what, messages, code)
    }

    private static let first = Wire.transaction(1, commit: 0x100, messages: [])
    private static let block = Wire.block(9, messages: [])
    private static let nine = TransactionID(rawValue: 9)
    private static let last = LSN(rawValue: .max)

    private static func message(_ lsn: LSN) -> [UInt8] {
        WireEncoder.encode(
            .message(.init(isTransactional: false, lsn: lsn, prefix: "p", content: [1])))
    }

    static let all: [BrokenStream] = [
        .init("a transaction twice", first + first, .goesBack(commit: 0x100, reached: 0x108)),
        .init(
            "a commit that goes back", first + [Wire.begin(2, commit: 0x80)],
            .goesBack(commit: 0x80, reached: 0x108)),
        .init(
            "a commit within the record of another", first + [Wire.begin(2, commit: 0x104)],
            .goesBack(commit: 0x104, reached: 0x108)),
        .init(
            "a streamed commit that goes back",
            first + block + [Wire.streamCommit(9, commit: 0x80)],
            .goesBack(commit: 0x80, reached: 0x108)),
        .init(
            "a message that goes back", first + [message(0x80)],
            .goesBack(commit: 0x80, reached: 0x108)),
        .init(
            "a message twice", [message(0x80), message(0x80)],
            .goesBack(commit: 0x80, reached: 0x80)),
        .init(
            "another commit than began", [Wire.begin(1, commit: 0x100), Wire.commit(0x180)],
            .commitDiffers(begun: 0x100, ended: 0x180)),
        .init(
            "another commit time", [Wire.begin(1, commit: 0x100), Wire.commit(0x100, time: 6)],
            .commitTimeDiffers(commit: 0x100)),
        .init("a transaction at 0/0", [Wire.begin(1, commit: .zero)], .nowhere(.begin)),
        .init(
            "a streamed one", block + [Wire.streamCommit(9, commit: .zero)], .nowhere(.streamCommit)
        ),
        .init("a message at 0/0", [message(.zero)], .nowhere(.message)),
        .init(
            "an end at 0/0", [Wire.begin(1, commit: 0x100), Wire.commit(0x100, end: .zero)],
            .endOfCommit(commit: 0x100, end: .zero)),
        .init(
            "an end without a record",
            [Wire.begin(1, commit: 0x100), Wire.commit(0x100, end: 0x100)],
            .endOfCommit(commit: 0x100, end: 0x100)),
        .init(
            "the furthest end", [Wire.begin(1, commit: 0x100), Wire.commit(0x100, end: last)],
            .endOfCommit(commit: 0x100, end: last)),
        .init(
            "the furthest end of a streamed one",
            block + [Wire.streamCommit(9, commit: 0x100, end: last)],
            .endOfCommit(commit: 0x100, end: last)),
        .init("transaction 0", [Wire.begin(0, commit: 0x100)], .noTransactionID(.begin)),
        .init("streamed transaction 0", [Wire.streamStart(0)], .noTransactionID(.streamStart)),
        .init("a first block twice", block + block, .repeatedFirstBlock(nine)),
        .init(
            "an abort within a transaction",
            block + [Wire.begin(1, commit: 0x100), Wire.streamAbort(9)],
            .outOfOrder(.streamAbort)),
    ]
}

@Suite("Broken streams")
struct BrokenStreamTests {
    @Test(
        "are refused with what was expected, in whatever way streamed transactions are read",
        arguments: BrokenStream.all)
    func refused(broken: BrokenStream) throws {
        for pieces in [0, 2] {
            var assembler = TransactionAssembler(
                decoder: MessageDecoder(protocolVersion: 2), tables: .everything,
                position: .zero, keepsMessages: pieces == 0, piecesAtOnce: pieces)
            // Without them logical messages are not asked for.
            if pieces > 0, broken.messages.last?.first == MessageKind.message.rawValue { continue }
            let error = #expect(throws: StreamError.self) {
                for message in broken.messages { try give(message, &assembler) }
            }
            #expect(error?.code == broken.code)
        }
    }

    @Test("are refused by peek for the same reasons", arguments: BrokenStream.all)
    func peeked(broken: BrokenStream) {
        var assembler = PeekAssembler(
            decoder: MessageDecoder(protocolVersion: 2), tables: [],
            end: LSN(rawValue: .max), showsChanges: false)

        #expect(throws: StreamError(broken.code, at: 0x77)) {
            for message in broken.messages {
                _ = try assembler.receive(message.span.bytes, at: 0x77)
            }
        }
    }

    @Test("a first block that comes again is no trap, with rows handed over or not")
    func repeatedWithRows() throws {
        for isTaken in [false, true] {
            var feed = AssemblerFeed(piecesAtOnce: 1)
            let block = Wire.block(
                9,
                messages: [
                    Wire.relation(Wire.a, named: "a", xid: 9),
                    Wire.insert(Wire.a, "1", "x", xid: 10),
                ])
            try feed.give(all: block)
            if isTaken { feed.take() }

            #expect(throws: StreamError.self) { try feed.give(all: block) }
        }
    }

    @Test("what commits before a keepalive's end cannot come behind it")
    func behindKeepalive() throws {
        var feed = AssemblerFeed()
        try feed.assembler.keepaliveReceived(walEnd: 0x200)
        var peek = PeekAssembler(
            decoder: MessageDecoder(protocolVersion: 2), tables: [],
            end: LSN(rawValue: .max), showsChanges: false)
        peek.keepaliveReceived(walEnd: 0x200)
        let (late, next) = (Wire.begin(1, commit: 0x1F8), Wire.begin(1, commit: 0x200))
        let refusal = StreamError(.goesBack(commit: 0x1F8, reached: 0x200), at: 0x77)

        #expect(throws: refusal) { try feed.give(late, at: 0x77) }
        #expect(throws: refusal) { try peek.receive(late.span.bytes, at: 0x77) }
        #expect(try feed.give(next) == .began)
        _ = try peek.receive(next.span.bytes, at: 0x77)
    }

    /// The server gives the end of a message's record, where the next record may begin.
    @Test(
        "a commit record right behind a message is not taken for stored", arguments: [false, true])
    func behindMessage(isStored: Bool) throws {
        let message = WireEncoder.encode(
            .message(.init(isTransactional: false, lsn: 0x200, prefix: "p", content: [1])))
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 1), tables: .everything,
            position: isStored ? 0x200 : .zero, keepsMessages: true)

        let told = try assembler.receive(message.span.bytes, at: 0x200)
        for message in Wire.relations
            + Wire.transaction(7, commit: 0x200, messages: [Wire.insert(Wire.a, "1", "x")])
        {
            _ = try assembler.receive(message.span.bytes, at: 0x200)
        }

        #expect(told == .committed(end: 0x200, isEmpty: isStored))
        #expect(
            assembler.takeBatch().transactions.map(\.xid.rawValue) == (isStored ? [7] : [0, 7]))
    }

    @Test("a refusal names the place, what came and what was expected")
    func text() {
        #expect(
            "\(StreamError(.goesBack(commit: 0x80, reached: 0x108), at: 0x77))"
                == "Cannot read the stream at 0/77: a record at 0/80, though everything before "
                + "0/108 had come")
        #expect(
            "\(StreamError(.beyondEnd(LSN(rawValue: .max), written: 0x108), at: 0x77))"
                == "Cannot read the stream at 0/77: FFFFFFFF/FFFFFFFF is beyond the end of the "
                + "source's WAL, 0/108")
    }

    private func give(_ message: [UInt8], _ assembler: inout TransactionAssembler) throws {
        guard case .replay = try assembler.receive(message.span.bytes, at: 0x77) else { return }
        _ = try assembler.finishReplay()
    }
}

@Suite("How far a source's ends are believed")
struct SourceBoundTests {
    @Test("no further than a server writes between two looks, and never beyond the last LSN")
    func furthest() {
        #expect(SourceBound.furthest(known: .zero) == LSN(rawValue: .max))
        #expect(SourceBound.furthest(known: 0x100) == LSN(rawValue: 0x100_0000_0100))
        #expect(SourceBound.furthest(known: LSN(rawValue: .max - 1)) == LSN(rawValue: .max))
    }

    @Test("an end that the source has not reached in two looks is refused")
    func twice() throws {
        var ends = EndWatch()
        try ends.look(heard: 0x100, written: 0x100)
        try ends.look(heard: 0x200, written: 0x180)
        try ends.look(heard: 0x200, written: 0x280)
        try ends.look(heard: 0x300, written: 0x280)

        #expect(throws: StreamError(.beyondEnd(0x300, written: 0x280), at: 0x300)) {
            try ends.look(heard: 0x300, written: 0x280)
        }
    }
}
