import LeatTestSupport
import PGClient
import PGWire
import Testing

/// What a server's own COPY sends, read and written again.
@Suite("COPY rows of a server")
struct CopyDecoderServerTests {
    /// Every character, alone and beside others that COPY gives a meaning to; NULL, empty and long values.
    private static let table = """
        create temporary table t (id int, a text, b bytea, c float8, d text[]);
        insert into t select i, chr(i), decode(lpad(to_hex(i), 4, '0'), 'hex'), 1.0 / i,
          array[chr(i), '\\N', null] from generate_series(1, 300) i;
        insert into t select i, repeat(chr(i) || '\\' || chr(9) || 'é', i), null, 'nan', '{}'
          from generate_series(1, 40) i;
        insert into t values (null, null, null, null, null), (1, '', '', 0, '{""}'),
          (2, '\\.', '\\x5c2e', 0, null), (3, '\\N', null, 0, null),
          (4, repeat('x\\y' || chr(10), 100000), null, 0, null);
        """

    @Test("comes out of the encoder byte for byte as it came", arguments: [false, true])
    func sameBytes(isBinary: Bool) async throws {
        let connection = try await Server.connection()
        try await connection.run { session in
            try session.execute(Self.table)
            var decoder = CopyDecoder(isBinary: isBinary, columnCount: 5)
            let buffer = CopyBuffer(isBinary: isBinary)
            var (sent, rows) = ([UInt8](), 0)
            buffer.begin()
            try session.beginCopyOut(
                "copy t to stdout\(isBinary ? " (format binary)" : "")")
            var payloads: [[UInt8]] = []
            while try session.nextCopyData({ payloads.append(Array($0)) }) {}
            for payload in payloads {
                sent += payload
                payload.withUnsafeBytes { decoder.append($0) }
                while try decoder.next() {
                    rows += 1
                    #expect(
                        buffer.append(
                            decoder.columns, order: Array(0..<5), arena: decoder.bytes))
                }
            }
            try decoder.finish()
            buffer.end()
            buffer.withBytes { bytes in
                // COPY TO writes three more control characters with letters, which mean the same.
                guard !isBinary else { return #expect(bytes.elementsEqual(sent)) }
                let written = Self.withLetters(Array(bytes))
                #expect(written == sent)
            }
            #expect(rows == 345)
        }
    }

    private static func withLetters(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x08: Array("\\b".utf8)
            case 0x0B: Array("\\v".utf8)
            case 0x0C: Array("\\f".utf8)
            default: [byte]
            }
        }
    }
}
