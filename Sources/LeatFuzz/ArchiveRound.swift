internal import LeatArchive
internal import LeatCore
internal import LeatTestSupport
internal import PGWire

/// A segment that a recorder has written, damaged before its checksums are made or after, and read
/// as `leat replay` and `leat archive` do.
///
/// The reader ends with an ``ArchiveError``, or takes everything. Of what it hands over all is there,
/// in the order of commits.
struct ArchiveRound {
    private var random: SeededGenerator
    private var frames: [FrameEncoder.Encoded] = []
    private var messages = 0

    init(_ random: inout SeededGenerator) throws {
        var history = MessageHistory(&random)
        history.grow(steps: .random(in: 2...8, using: &random))
        self.random = SeededGenerator(seed: random.next())
        try write(history.payloads)
    }

    private mutating func write(_ payloads: [[UInt8]]) throws {
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 2), tables: .everything, position: .zero,
            keepsMessages: true)
        let encoder = FrameEncoder(following: FrameLink(end: .zero, checksum: 0))
        // What the history has that no server sends ends it.
        for payload in payloads {
            guard case .xLogData(let data) = try? ReplicationPayload(decoding: payload.span.bytes)
            else { continue }
            let body = XLogData.body(of: payload.span.bytes)
            guard let action = try? assembler.receive(body, at: data.walStart) else { break }
            if case .replay = action, (try? assembler.finishReplay()) == nil { break }
            if random.once(in: 12), assembler.completeTransactions > 0 {
                frames += encoder.append(assembler.takeBatch()) + encoder.finish()
            }
        }
        guard assembler.completeTransactions > 0 else { return }
        frames += encoder.append(assembler.takeBatch()) + encoder.finish()
    }

    mutating func run() throws -> Int {
        var check = BatchCheck()
        var decoder = BatchDecoder(keepsMessages: random.once(in: 2))
        let isDeep = random.once(in: 2)
        for encoded in frames {
            let bytes = random.once(in: 2) && !isDeep ? mutated(encoded.bytes) : encoded.bytes
            do {
                var frame = Frame(
                    header: try FrameHeader(decoding: bytes.span.bytes),
                    payload: Array(bytes.dropFirst(FrameHeader.byteCount)))
                try frame.header.checkPayload(frame.payload.span.bytes)
                if isDeep { frame = try replaced(frame) }
                guard frame.header.kind == .changes else { continue }
                messages += Int(frame.header.changes)
                try check.look(at: decoder.batch(of: frame))
            } catch is ArchiveError {
                break
            }
        }
        readOther()
        return max(messages, 1)
    }

    private mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        Mutation.apply(to: bytes, using: &random)
    }

    /// As if a recorder had written that.
    private mutating func replaced(_ frame: Frame) throws -> Frame {
        var replaced = frame.with(content: mutated(try frame.content()))
        if random.once(in: 3) { replaced.header.changes &+= 1 }
        if random.once(in: 3) { replaced.header.transactions &-= 1 }
        return replaced
    }

    /// What is read before any frame.
    private mutating func readOther() {
        let position = ArchivePosition(
            archive: ArchiveID(rawValue: 7), end: 0x100, segment: SegmentName(.zero), length: 100,
            link: FrameLink(end: 0x100, checksum: 1), beginning: SegmentName(.zero)
        ).encoded()
        _ = try? ArchivePosition(decoding: mutated(position))
        let header = SegmentHeader(
            first: .zero, predecessor: nil, previousChecksum: 0, description: .fuzzed
        ).encoded()
        let bytes = mutated(header)
        _ = try? SegmentHeader.length(of: bytes.span.bytes)
        _ = try? SegmentHeader(decoding: bytes.span.bytes)
    }
}

extension ArchiveDescription {
    fileprivate static let fuzzed = ArchiveDescription(
        archive: ArchiveID(rawValue: 7), stream: "shop", systemIdentifier: "7000000000000000001",
        timeline: 1, database: "shop", serverVersion: 150_018, serverEncoding: "UTF8",
        encoding: "UTF8", settings: ["datestyle": "ISO"],
        publications: [.init(name: "leat_shop", oid: 16_500)], catalog: ArchivedCatalog())
}
