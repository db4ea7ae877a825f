import LeatTestSupport
import PGWire
import Testing

/// Bytes that no server sends. Hexadecimal, spaces for the reader.
struct Hostile: CustomTestStringConvertible {
    var what: String
    var hex: String
    var code: DecodeError.Code
    var offset: Int

    init(_ what: String, _ hex: String, _ code: DecodeError.Code, at offset: Int) {
        self.what = what
        self.hex = hex
        self.code = code
        self.offset = offset
    }

    var testDescription: String { what }

    static let all: [Hostile] = [
        Hostile("nothing at all", "", .truncated(needed: 1, available: 0), at: 0),
        Hostile("negative columns", "49 00004000 4E FFFF", .negativeCount(-1), at: 6),
        Hostile("least columns", "49 00004000 4E 8000", .negativeCount(-32768), at: 6),
        Hostile(
            "more columns than bytes", "49 00004000 4E 7FFF 6E",
            .truncated(needed: 32767, available: 1), at: 6),
        Hostile("negative length", "49 00004000 4E 0001 74 FFFFFFFF", .negativeCount(-1), at: 9),
        Hostile(
            "least length", "49 00004000 4E 0001 62 80000000", .negativeCount(-2_147_483_648),
            at: 9),
        Hostile(
            "huge length", "49 00004000 4E 0001 74 7FFFFFFF 61",
            .truncated(needed: 2_147_483_647, available: 1), at: 9),
        Hostile("unknown column", "49 00004000 4E 0001 78", .unknownColumnKind(0x78), at: 8),
        Hostile("insert with K", "49 00004000 4B 0000", .unknownTupleKind(0x4B), at: 5),
        Hostile("update twice K", "55 00004000 4B 0000 4B 0000", .unknownTupleKind(0x4B), at: 8),
        Hostile("delete with N", "44 00004000 4E 0000", .unknownTupleKind(0x4E), at: 5),
        Hostile(
            "negative relations", "54 FFFFFFFF 00", .negativeCount(-1), at: 1),
        Hostile(
            "more relations than bytes", "54 7FFFFFFF 00",
            .truncated(needed: 8_589_934_588, available: 1), at: 1),
        Hostile("unknown truncate option", "54 00000000 04", .invalidFlags(4), at: 5),
        Hostile(
            "relation columns", "52 00004000 00 00 64 8001", .negativeCount(-32767), at: 8),
        Hostile(
            "more relation columns than bytes", "52 00004000 00 00 64 7FFF",
            .truncated(needed: 327_670, available: 0), at: 8),
        Hostile(
            "column flags", "52 00004000 00 00 64 0001 02 00 00000017 FFFFFFFF",
            .invalidFlags(2), at: 10),
        Hostile(
            "replica identity", "52 00004000 00 00 78 0000", .unknownReplicaIdentity(0x78), at: 7),
        Hostile("name without end", "52 00004000 6162", .unterminatedString, at: 5),
        Hostile("name not UTF-8", "52 00004000 00 E4 00 64 0000", .invalidUTF8, at: 6),
        Hostile("overlong UTF-8", "59 00004000 00 C080 00", .invalidUTF8, at: 6),
        Hostile("surrogate", "59 00004000 EDA080 00 00", .invalidUTF8, at: 5),
        Hostile(
            "commit flags", "43 01" + String(repeating: "00", count: 24), .invalidFlags(1), at: 1),
        Hostile("message flags", "4D 02 0000000000000000 00 00000000", .invalidFlags(2), at: 1),
        Hostile(
            "negative content", "4D 01 0000000000000000 00 FFFFFFFE", .negativeCount(-2), at: 11),
        Hostile("stream start flag", "53 00000001 02", .invalidFlags(2), at: 5),
    ]
}

@Suite struct HostileBytesTests {
    @Test("says what is wrong, and where", arguments: Hostile.all)
    func refusals(hostile: Hostile) {
        let bytes = Hex.bytes(hostile.hex)
        let decoder = MessageDecoder(protocolVersion: 2)

        let expected = DecodeError(hostile.code, at: hostile.offset, messageKind: bytes.first)
        #expect(throws: expected) { try decoder.decode(bytes) }
    }

    @Test("names the message and the byte, and no value")
    func text() throws {
        let secret = Array("secret".utf8)
        let bytes = WireEncoder.insert(into: RelationID(rawValue: 1), ["secret"]) + secret

        let error = #expect(throws: DecodeError.self) {
            try MessageDecoder(protocolVersion: 1).decode(bytes)
        }

        #expect(
            error?.description
                == "Cannot decode message 'I' at byte 19: 6 bytes after the end")
    }

    @Test("survives random changes to every message")
    func mutations() {
        let seed = SeededGenerator.printedSeed()
        var generator = SeededGenerator(seed: seed)
        var decoded = 0
        var refused = 0

        for _ in 0..<60_000 {
            let sample = Sample.all.randomElement(using: &generator)!
            let bytes = Mutation.apply(to: sample.bytes, using: &generator)
            var batch = Batch()
            batch.bytes = [1, 2, 3]
            do throws(DecodeError) {
                let message = try sample.decoder.decode(
                    bytes, streamed: .random(using: &generator), into: &batch)
                decoded += isSound(message, batch) ? 1 : 0
            } catch {
                refused += batch.bytes == [1, 2, 3] && batch.columns.isEmpty ? 1 : 0
            }
        }

        #expect(decoded + refused == 60_000, "seed \(seed)")
        #expect(decoded > 1000 && refused > 1000, "seed \(seed)")
    }

    /// Whether everything that the tables point to is there.
    private func isSound(_ message: Decoded, _ batch: Batch) -> Bool {
        guard case .row(let row) = message else { return true }
        return [row.old, row.new].allSatisfy { $0.range.upperBound <= batch.columns.count }
            && batch.columns.filter(\.hasValue).allSatisfy {
                $0.range.lowerBound >= 3 && $0.range.upperBound < batch.bytes.count
                    && batch.bytes[$0.range.upperBound] == 0
            }
    }
}
