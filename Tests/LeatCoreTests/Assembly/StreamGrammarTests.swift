import LeatAdmin
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// What comes where in a stream, and what is said of it.
struct GrammarCase: CustomTestStringConvertible {
    var phase: StreamPhase
    var kind: MessageKind
    /// Nil where it may come.
    var refusal: StreamError.Code?

    var testDescription: String { "\(kind) \(phase.rawValue)" }

    /// Every message in every phase.
    static let all = StreamPhase.allCases.flatMap { phase in
        MessageKind.allCases.map { kind in
            GrammarCase(phase: phase, kind: kind, refusal: refusal(of: kind, phase))
        }
    }

    private static let twoPhase: Set<MessageKind> = [
        .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare,
    ]

    private static func refusal(of kind: MessageKind, _ phase: StreamPhase) -> StreamError.Code? {
        if twoPhase.contains(kind) { return .twoPhase(kind) }
        let allowed: Set<MessageKind> =
            switch phase {
            case .between:
                [.begin, .relation, .type, .message, .streamStart, .streamCommit, .streamAbort]
            case .transaction:
                [
                    .commit, .origin, .relation, .type, .insert, .update, .delete, .truncate,
                    .message,
                ]
            case .block:
                [
                    .origin, .relation, .type, .insert, .update, .delete, .truncate, .message,
                    .streamStop,
                ]
            }
        return allowed.contains(kind) ? nil : .outOfOrder(kind)
    }
}

/// Messages that bring a reader there; block 9 has come before in part.
enum StreamPhase: String, CaseIterable {
    case between = "between transactions"
    case transaction = "in a transaction"
    case block = "in a block"

    var messages: [[UInt8]] {
        let before = Wire.relations + Wire.block(9, messages: Wire.relations)
        return switch self {
        case .between: before
        case .transaction: before + [Wire.begin(5, commit: 0x100)]
        case .block: before + [Wire.streamStart(9, first: false)]
        }
    }

    /// A message that is right in everything but its place, perhaps.
    func message(_ kind: MessageKind) -> [UInt8] {
        let xid: TransactionID? = self == .block ? TransactionID(rawValue: 9) : nil
        let time = PostgresTimestamp(rawValue: 5)
        let nine = TransactionID(rawValue: 9)
        let prepare = PrepareMessage(
            prepareLSN: 1, endLSN: 2, prepareTime: time, xid: nine, gid: "g")
        return switch kind {
        case .begin: Wire.begin(6, commit: 0x200)
        case .commit: Wire.commit(0x100)
        case .origin: Wire.origin("o")
        case .relation: Wire.relation(Wire.a, named: "a", xid: xid?.rawValue)
        case .type:
            WireEncoder.encode(
                .type(
                    TypeMessage(xid: xid, type: .init(oid: 77_777, schema: "s", name: "t"))))
        case .insert: Wire.insert(Wire.a, "1", "x", xid: xid?.rawValue)
        case .update: WireEncoder.update(Wire.a, new: ["1", "x"], xid: xid)
        case .delete: WireEncoder.delete(Wire.a, old: .key(["1", .null]), xid: xid)
        case .truncate: Wire.truncate([Wire.a], xid: xid?.rawValue)
        case .message: logical(xid: xid, isTransactional: self != .between)
        case .streamStart: Wire.streamStart(9, first: false)
        case .streamStop: Wire.streamStop
        case .streamCommit: Wire.streamCommit(9, commit: 0x200)
        case .streamAbort: Wire.streamAbort(9)
        case .beginPrepare:
            WireEncoder.encode(
                .beginPrepare(
                    .init(prepareLSN: 1, endLSN: 2, prepareTime: time, xid: nine, gid: "g")))
        case .prepare: WireEncoder.encode(.prepare(prepare))
        case .commitPrepared:
            WireEncoder.encode(
                .commitPrepared(
                    .init(commitLSN: 1, endLSN: 2, commitTime: time, xid: nine, gid: "g")))
        case .rollbackPrepared:
            WireEncoder.encode(
                .rollbackPrepared(
                    .init(
                        prepareEndLSN: 1, rollbackEndLSN: 2, prepareTime: time, rollbackTime: time,
                        xid: nine, gid: "g")))
        case .streamPrepare: WireEncoder.encode(.streamPrepare(prepare))
        }
    }

    func logical(xid: TransactionID?, isTransactional: Bool) -> [UInt8] {
        WireEncoder.encode(
            .message(
                .init(
                    xid: xid, isTransactional: isTransactional, lsn: 0x180, prefix: "p",
                    content: [1])))
    }
}

/// Both readers of a stream, streamed transactions in pieces or kept.
private enum GrammarReader: CaseIterable {
    case pieces, kept, peek

    /// What is said of the last message.
    func refusal(of messages: [[UInt8]]) throws -> StreamError.Code? {
        do {
            switch self {
            case .pieces, .kept: try assemble(messages)
            case .peek: try peek(messages)
            }
            return nil
        } catch let error as StreamError {
            return error.code
        }
    }

    private func assemble(_ messages: [[UInt8]]) throws {
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 2), tables: .everything, position: .zero,
            keepsMessages: self == .kept, piecesAtOnce: self == .pieces ? 2 : 0)
        for message in messages {
            if case .replay = try assembler.receive(message.span.bytes, at: 0x77) {
                _ = try assembler.finishReplay()
            }
        }
    }

    private func peek(_ messages: [[UInt8]]) throws {
        var assembler = PeekAssembler(
            decoder: MessageDecoder(protocolVersion: 2), tables: [], end: LSN(rawValue: .max),
            showsChanges: false)
        for message in messages { _ = try assembler.receive(message.span.bytes, at: 0x77) }
    }
}

@Suite("Grammar of the stream")
struct StreamGrammarTests {
    @Test("every message in every phase is taken or refused, by each reader alike")
    func table() throws {
        for grammar in GrammarCase.all {
            let messages = grammar.phase.messages
            let last = grammar.phase.message(grammar.kind)
            for reader in GrammarReader.allCases {
                #expect(try reader.refusal(of: messages) == nil)
                #expect(
                    try reader.refusal(of: messages + [last]) == grammar.refusal,
                    "\(grammar.testDescription), \(reader)")
            }
        }
    }

    @Test(
        "a logical message is of what it stands in, for whoever asked for them",
        arguments: StreamPhase.allCases)
    func scope(phase: StreamPhase) throws {
        let xid: TransactionID? = phase == .block ? TransactionID(rawValue: 9) : nil
        let wrong = phase.logical(xid: xid, isTransactional: phase == .between)

        for reader in [GrammarReader.kept, .peek] {
            #expect(try reader.refusal(of: phase.messages + [wrong]) == .outOfOrder(.message))
        }
        #expect(try GrammarReader.pieces.refusal(of: phase.messages + [wrong]) == nil)
    }

    @Test("a refusal comes before a look at what is in the message")
    func unread() throws {
        for reader in GrammarReader.allCases {
            #expect(
                try reader.refusal(of: StreamPhase.block.messages + [[MessageKind.begin.rawValue]])
                    == .outOfOrder(.begin))
        }
    }
}
