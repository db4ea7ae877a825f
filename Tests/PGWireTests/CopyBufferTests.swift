import PGWire
import Testing

@Suite("COPY rows")
struct CopyBufferTests {
    private func row(_ values: [(Column.Kind, String)]) -> ([Column], [UInt8]) {
        var (columns, bytes): ([Column], [UInt8]) = ([], [])
        for (kind, text) in values {
            columns.append(
                Column(
                    kind: kind, offset: UInt32(bytes.count), length: UInt32(text.utf8.count)))
            bytes += Array(text.utf8) + [0]
        }
        return (columns, bytes)
    }

    private func copied(
        _ values: [(Column.Kind, String)], binary: Bool = false, operation: Int? = nil,
        order: [Int]? = nil
    ) -> [UInt8]? {
        let (columns, bytes) = row(values)
        let buffer = CopyBuffer(isBinary: binary)
        let isWhole = columns.withUnsafeBufferPointer { columns in
            bytes.withUnsafeBytes {
                buffer.append(
                    operation: operation, columns: columns.baseAddress!,
                    order: order ?? Array(values.indices),
                    arena: $0.baseAddress!)
            }
        }
        var copy: [UInt8] = []
        buffer.withBytes { copy = Array($0) }
        return isWhole ? copy : nil
    }

    private func text(_ values: [(Column.Kind, String)]) -> String? {
        copied(values).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("values are divided by tabs, NULL is no text")
    func text() {
        #expect(
            text([(.text, "a"), (.null, ""), (.text, ""), (.unchangedTOAST, "")])
                == "a\t\\N\t\t\\N\n")
    }

    @Test("what COPY gives a meaning to is escaped, at every place in a word")
    func escapes() {
        for special in ["\t", "\n", "\r", "\\"] {
            let escape = ["\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"][special]!
            for before in 0..<20 {
                for after in 0..<10 {
                    let (left, right) = (
                        String(repeating: "é", count: before),
                        String(repeating: "\u{1}", count: after)
                    )
                    #expect(text([(.text, left + special + right)]) == left + escape + right + "\n")
                }
            }
        }
        #expect(text([(.text, "\\.")]) == "\\\\.\n")
        #expect(text([(.text, "\\N")]) == "\\\\N\n")
    }

    @Test("an operation stands first, columns in the order asked for")
    func order() {
        let bytes = copied([(.text, "a"), (.text, "b")], operation: 12, order: [1])
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == "12\tb\n")
    }

    @Test("binary rows have counts and lengths")
    func binary() {
        #expect(
            copied([(.binary, "ab"), (.null, "")], binary: true, operation: 1)
                == [0, 3, 0, 0, 0, 2, 0, 1, 0, 0, 0, 2, 97, 98, 255, 255, 255, 255])
        #expect(copied([(.text, "a")], binary: true) == nil)
        #expect(copied([(.binary, "a")], binary: false) == nil)
    }

    @Test("grows as needed")
    func large() {
        let value = String(repeating: "x\\", count: 200_000)
        #expect(copied([(.text, value)])?.count == 600_001)
    }
}
