internal import LeatAdmin
internal import LeatCore
internal import LeatTestSupport
internal import PGWire

/// A stream that is damaged on its way, and read as `sync`, `record` and `leat slot peek` do.
///
/// Each reader ends with a ``StreamError``, or takes everything. Of what it hands over all is
/// there, in the order of commits; and where no part of a transaction was rolled back, it is the
/// same whether transactions in progress leave in pieces or are kept until they commit.
struct MessageRound {
    private var payloads: [[UInt8]]
    private var random: SeededGenerator

    init(by random: inout SeededGenerator, recordings: [[[UInt8]]]) {
        if !recordings.isEmpty, random.once(in: 4) {
            payloads = recordings.randomElement(using: &random) ?? []
        } else {
            var history = MessageHistory(&random)
            history.grow(steps: .random(in: 4...16, using: &random))
            payloads = history.payloads
        }
        Damage.apply(to: &payloads, using: &random)
        self.random = SeededGenerator(seed: random.next())
    }

    mutating func run() throws -> Int {
        let position: LSN = random.once(in: 3) ? 0x1800 : .zero
        let takes = UInt64.random(in: 1...20, using: &random)
        let pieces = Int.random(in: 1...3, using: &random)
        let most = Int.random(in: 0...4, using: &random)
        var readers = [
            StreamReader(position: position, takesEvery: takes),
            StreamReader(
                position: position, takesEvery: takes, piecesAtOnce: pieces,
                mostSubtransactions: most),
            StreamReader(position: position, takesEvery: takes, keepsMessages: true),
        ]
        var hasSubAborts = false
        for payload in payloads {
            for index in readers.indices { try readers[index].take(payload) }
            hasSubAborts = hasSubAborts || StreamReader.isSubAbort(payload)
        }
        for index in readers.indices { try readers[index].finish() }
        if !hasSubAborts { try compare(readers[0].committed, with: readers[1].committed) }
        try peek()
        return payloads.count * (readers.count + 1)
    }

    /// One may have met an error in what the other only keeps.
    private func compare(_ first: [String], with second: [String]) throws {
        let count = min(first.count, second.count)
        guard first.prefix(count) == second.prefix(count) else {
            throw FuzzFinding("pieces and spool differ:\n\(first)\n\(second)")
        }
    }

    private mutating func peek() throws {
        var assembler = PeekAssembler(
            decoder: MessageDecoder(protocolVersion: 2), tables: [],
            end: LSN(rawValue: .max), showsChanges: random.once(in: 2))
        var end = LSN.zero
        do {
            for payload in payloads {
                switch try ReplicationPayload(decoding: payload.span.bytes) {
                case .keepalive(let keepalive):
                    assembler.keepaliveReceived(walEnd: keepalive.walEnd)
                case .xLogData(let data):
                    let event = try assembler.receive(
                        XLogData.body(of: payload.span.bytes), at: data.walStart)
                    guard case .committed(let transaction) = event else { continue }
                    guard transaction.commitLSN >= end, transaction.endLSN > transaction.commitLSN
                    else { throw FuzzFinding("peek goes back to \(transaction.commitLSN)") }
                    end = transaction.endLSN
                }
            }
            _ = assembler.inProgress
        } catch is StreamError {
        } catch is DecodeError {
        }
    }
}
