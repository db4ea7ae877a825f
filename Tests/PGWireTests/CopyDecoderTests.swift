import LeatTestSupport
import PGWire
import Testing

@Suite("COPY rows read back")
struct CopyDecoderTests {
    /// Nil is NULL.
    private typealias Row = [[UInt8]?]

    /// - Parameter cuts: Where a chunk ends and the next begins.
    private func rows(
        _ copy: [UInt8], columns: Int, binary: Bool = false, cuts: [Int] = []
    ) throws -> [Row] {
        var decoder = CopyDecoder(isBinary: binary, columnCount: columns)
        var rows: [Row] = []
        var start = 0
        for end in cuts + [copy.count] {
            copy[start..<end].withUnsafeBytes { decoder.append($0) }
            start = end
            while try decoder.next() { rows.append(row(decoder)) }
        }
        try decoder.finish()
        return rows
    }

    private func row(_ decoder: CopyDecoder) -> Row {
        decoder.columns.map { column in
            guard column.hasValue else { return nil }
            #expect(decoder.bytes[column.range.upperBound] == 0)
            #expect(column.kind == (decoder.isBinary ? .binary : .text))
            return Array(decoder.bytes[column.range])
        }
    }

    private func texts(_ copy: String, columns: Int) throws -> [[String?]] {
        try rows(Array(copy.utf8), columns: columns).map { row in
            row.map { $0.map { String(decoding: $0, as: UTF8.self) } }
        }
    }

    @Test("values are divided by tabs, rows by newlines, \\N alone is NULL")
    func text() throws {
        #expect(try texts("a\tb\n\\N\t\n", columns: 2) == [["a", "b"], [nil, ""]])
        #expect(try texts("\\\\N\n\\NN\n\\N\n", columns: 1) == [["\\N"], ["NN"], [nil]])
        #expect(try texts("", columns: 1) == [])
        #expect(try texts("\n\n", columns: 1) == [[""], [""]])
        #expect(try texts("\n\n", columns: 0) == [[], []])
    }

    @Test(
        "escapes are read as COPY FROM reads them",
        arguments: [
            (#"\b\f\n\r\t\v\\"#, "\u{8}\u{c}\n\r\t\u{b}\\"), (#"\101\60x\7"#, "A0x\u{7}"),
            (#"\x41\x4\xg"#, "A\u{4}xg"), ("\\\n", "\n"), ("\\\t", "\t"), (#"\."#, "."),
            (#"é\\ü"#, "é\\ü"), (#"\1013"#, "A3"), (#"\x412"#, "A2"),
        ])
    func escapes(_ escaped: String, _ value: String) throws {
        #expect(try texts("\(escaped)\n", columns: 1) == [[value]])
        #expect(try texts("x\(escaped)\ty\n", columns: 2) == [["x" + value, "y"]])
    }

    @Test("what is no row of the table, or no whole one, is refused, with no value in the words")
    func refused() {
        #expect(throws: CopyRowError.columns(expected: 1, found: 2)) {
            try texts("secret\tb\n", columns: 1)
        }
        #expect(throws: CopyRowError.columns(expected: 0, found: 1)) {
            try texts("a\n", columns: 0)
        }
        #expect(throws: CopyRowError.unfinished(bytes: 6)) { try texts("a\nsecret", columns: 1) }
        #expect(throws: CopyRowError.unfinished(bytes: 2)) { try texts("a\\", columns: 1) }
        #expect(!CopyRowError.columns(expected: 1, found: 2).description.contains("secret"))
    }

    // MARK: Binary form

    private static let header: [UInt8] =
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    @Test("binary rows are read between header and trailer, the header's extension is passed over")
    func binary() throws {
        let row: [UInt8] = [0, 2, 0, 0, 0, 2, 9, 0, 255, 255, 255, 255]
        #expect(
            try rows(Self.header + row + row + [255, 255], columns: 2, binary: true)
                == [[[9, 0], nil], [[9, 0], nil]])
        let extended = Self.header.dropLast() + [3, 7, 7, 7]
        #expect(
            try rows(extended + row + [255, 255], columns: 2, binary: true) == [[[9, 0], nil]])
        #expect(try rows(Self.header + [255, 255], columns: 2, binary: true) == [])
    }

    private static let damages: [(behind: [UInt8], error: CopyRowError)] = [
        ([0, 3], .columns(expected: 2, found: 3)), ([0, 2, 255, 255, 255, 254], .length(-2)),
        ([255, 255, 7], .trailingBytes(1)), ([], .unfinished(bytes: 0)),
        ([0, 2, 0, 0, 0, 9, 1], .unfinished(bytes: 7)),
    ]

    private static let headers: [(bytes: [UInt8], error: CopyRowError)] = [
        ([1], .header), (Array("PGCOPX".utf8), .header), ([], .unfinished(bytes: 0)),
        (Array(header.dropLast(8)) + [0, 1, 0, 0, 0, 0, 0, 0], .header),
        (Array(header.dropLast(4)) + [255, 255, 255, 255], .length(-1)),
    ]

    @Test("damaged binary copies are refused", arguments: damages.indices)
    func damaged(_ index: Int) {
        let (behind, error) = Self.damages[index]
        #expect(throws: error) { try rows(Self.header + behind, columns: 2, binary: true) }
    }

    @Test("and those whose header is damaged", arguments: headers.indices)
    func damagedHeader(_ index: Int) {
        let (bytes, error) = Self.headers[index]
        #expect(throws: error) { try rows(bytes, columns: 2, binary: true) }
    }

    // MARK: There and back

    private func encoded(_ rows: [Row], binary: Bool) -> [UInt8] {
        let buffer = CopyBuffer(isBinary: binary)
        buffer.begin()
        for row in rows {
            var (columns, bytes): ([Column], [UInt8]) = ([], [])
            for value in row {
                columns.append(
                    Column(
                        kind: value == nil ? .null : binary ? .binary : .text,
                        offset: UInt32(bytes.count), length: UInt32(value?.count ?? 0)))
                bytes += (value ?? []) + [0]
            }
            #expect(buffer.append(columns, order: Array(row.indices), arena: bytes))
        }
        buffer.end()
        var copy: [UInt8] = []
        buffer.withBytes { copy = Array($0) }
        return copy
    }

    private func randomRow(_ columns: Int, binary: Bool, using random: inout SeededGenerator) -> Row
    {
        let special = Array("\\\t\n\rN.x0".utf8) + [0x08, 0x0B, 0x0C, 0xC3, 0xA9]
        return (0..<columns).map { _ in
            guard Int.random(in: 0..<6, using: &random) > 0 else { return nil }
            return (0..<Int.random(in: 0...20, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? special.randomElement(using: &random) ?? 0
                    : UInt8.random(in: (binary ? 0 : 1)...255, using: &random)
            }
        }
    }

    @Test("what the encoder writes is read as it was, wherever chunks end", arguments: 0..<40)
    func roundTrip(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let binary = seed.isMultiple(of: 2)
        let count = Int.random(in: 1...6, using: &random)
        let written = (0..<Int.random(in: 0...12, using: &random)).map { _ in
            randomRow(count, binary: binary, using: &random)
        }
        let copy = encoded(written, binary: binary)

        #expect(try rows(copy, columns: count, binary: binary) == written)
        #expect(
            try rows(copy, columns: count, binary: binary, cuts: Array(0..<copy.count)) == written)
        let cuts = (0..<5).map { _ in Int.random(in: 0...copy.count, using: &random) }.sorted()
        #expect(try rows(copy, columns: count, binary: binary, cuts: cuts) == written)
        for end in copy.indices {
            guard let prefix = try? rows(Array(copy[..<end]), columns: count, binary: binary) else {
                continue
            }
            #expect(!binary && prefix == Array(written.prefix(prefix.count)))
        }
    }
}
