/// Reads rows in the form that COPY TO STDOUT sends: the way back of ``CopyBuffer``.
///
/// Bytes come in chunks that may end anywhere: within a value, an escape or a length. A row is decoded
/// once it is whole, into columns and an arena as a ``Batch`` has them, so that what is done with a row
/// of a stream can be done with a copied one. What was decoded and is encoded again is the same bytes.
///
///     decoder.append(chunk)
///     while try decoder.next() { … decoder.columns, decoder.bytes … }
///
/// Layout: section "COPY", "File Formats", of the manual.
public struct CopyDecoder: Sendable {
    /// Binary form; else text.
    public let isBinary: Bool
    /// What each row has.
    public let columnCount: Int
    /// Of the row that was read last. They may be changed; the next row replaces them.
    public var columns: [Column] = []
    /// The values of ``columns``, a NUL behind each.
    public var bytes: [UInt8] = []

    /// What was taken in and is not decoded yet begins at `start`.
    private var pending: [UInt8] = []
    private var start = 0
    /// No row ends between `start` and here: a long row is not searched again for each of its chunks.
    private var searched = 0
    private var state: State

    private enum State {
        case beforeHeader, withinRows, ended
    }

    /// A copy of which nothing was read yet.
    public init(isBinary: Bool, columnCount: Int) {
        self.isBinary = isBinary
        self.columnCount = columnCount
        state = isBinary ? .beforeHeader : .withinRows
    }

    /// Takes in what follows. Read what is whole of it before the next.
    public mutating func append(_ chunk: UnsafeRawBufferPointer) {
        if start > 0 {
            pending.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        pending.append(contentsOf: chunk)
    }

    /// Decodes the next row.
    ///
    /// - Returns: False if no whole one is left of what was taken in.
    /// - Throws: ``CopyRowError``; nothing more can be read then.
    public mutating func next() throws(CopyRowError) -> Bool {
        columns.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        return try isBinary ? nextBinary() : nextText()
    }

    /// The copy has ended.
    ///
    /// - Throws: ``CopyRowError`` if it has done so within a row, or before its end.
    public func finish() throws(CopyRowError) {
        guard pending.count == start, !isBinary || state == .ended else {
            throw .unfinished(bytes: pending.count - start)
        }
    }

    // MARK: Text form

    private mutating func nextText() throws(CopyRowError) -> Bool {
        guard let end = endOfLine() else { return false }
        decodeText(upTo: end)
        start = end + 1
        searched = start
        guard columns.count == columnCount else {
            throw .columns(expected: columnCount, found: columns.count)
        }
        return true
    }

    /// Where the newline is that ends the next row; one behind a backslash is a part of a value.
    private mutating func endOfLine() -> Int? {
        let count = pending.count
        var index = searched
        let found = pending.withUnsafeBufferPointer { pending -> Int? in
            while index < count {
                switch pending[index] {
                case Self.newline: return index
                case Self.backslash where index + 1 == count: return nil
                case Self.backslash: index += 2
                default: index += 1
                }
            }
            return nil
        }
        searched = index
        return found
    }

    private static let tab = UInt8(ascii: "\t")
    private static let newline = UInt8(ascii: "\n")
    private static let backslash = UInt8(ascii: "\\")

    private mutating func decodeText(upTo end: Int) {
        // A table without columns has empty lines, too.
        guard columnCount > 0 || end > start else { return }
        bytes.reserveCapacity(end - start + columnCount)
        var index = start
        while true {
            index = decodeValue(from: index, upTo: end)
            guard index < end else { return }
            index += 1
        }
    }

    /// - Returns: Where the value ends: at a tab, or at the end of the row.
    private mutating func decodeValue(from first: Int, upTo end: Int) -> Int {
        let offset = bytes.count
        if end - first >= 2, pending[first] == Self.backslash,
            pending[first + 1] == UInt8(ascii: "N"),
            end - first == 2 || pending[first + 2] == Self.tab
        {
            columns.append(Column(kind: .null))
            return first + 2
        }
        var (index, plain) = (first, first)
        while index < end, pending[index] != Self.tab {
            guard pending[index] == Self.backslash else {
                index += 1
                continue
            }
            bytes += pending[plain..<index]
            index = decodeEscape(at: index, upTo: end)
            plain = index
        }
        bytes += pending[plain..<index]
        columns.append(
            Column(kind: .text, offset: UInt32(offset), length: UInt32(bytes.count - offset)))
        bytes.append(0)
        return index
    }

    /// As COPY FROM reads it, which takes more than COPY TO writes.
    ///
    /// - Returns: Where what follows the escape begins.
    private mutating func decodeEscape(at backslash: Int, upTo end: Int) -> Int {
        var index = backslash + 1
        guard index < end else {
            bytes.append(Self.backslash)
            return index
        }
        let byte = pending[index]
        index += 1
        switch byte {
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(Self.newline)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(Self.tab)
        case UInt8(ascii: "v"): bytes.append(0x0B)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            bytes.append(
                number(first: byte - UInt8(ascii: "0"), base: 8, most: 2, at: &index, upTo: end))
        case UInt8(ascii: "x") where index < end && Self.digit(pending[index]) < 16:
            bytes.append(number(first: 0, base: 16, most: 2, at: &index, upTo: end))
        default: bytes.append(byte)
        }
        return index
    }

    private func number(
        first: UInt8, base: UInt8, most: Int, at index: inout Int, upTo end: Int
    ) -> UInt8 {
        var value = first
        for _ in 0..<most where index < end && Self.digit(pending[index]) < base {
            value = value &* base &+ Self.digit(pending[index])
            index += 1
        }
        return value
    }

    /// What a digit stands for; 255 for what is none.
    private static func digit(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: .max
        }
    }

    // MARK: Binary form

    private static let signature: [UInt8] = [
        0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0,
    ]

    private mutating func nextBinary() throws(CopyRowError) -> Bool {
        if state == .beforeHeader, try !readHeader() { return false }
        guard state == .withinRows else {
            guard pending.count == start else { throw .trailingBytes(pending.count - start) }
            return false
        }
        guard let count = integer(Int16.self, at: start) else { return false }
        guard count != -1 else {
            state = .ended
            start += 2
            return try nextBinary()
        }
        guard count == columnCount else {
            throw .columns(expected: columnCount, found: Int(count))
        }
        guard let end = try endOfRow() else { return false }
        decodeBinary()
        start = end
        return true
    }

    /// - Returns: False if not all of it is there.
    private mutating func readHeader() throws(CopyRowError) -> Bool {
        let there = pending[start...].prefix(Self.signature.count)
        guard there.elementsEqual(Self.signature.prefix(there.count)) else { throw .header }
        let fixed = start + Self.signature.count
        guard let flags = integer(UInt32.self, at: fixed),
            let length = integer(Int32.self, at: fixed + 4)
        else { return false }
        // Whoever does not know one of the upper half must not read on; of the lower half none is
        // in use.
        guard flags >> 16 == 0 else { throw .header }
        guard length >= 0 else { throw .length(Int(length)) }
        guard pending.count - fixed - 8 >= Int(length) else { return false }
        start = fixed + 8 + Int(length)
        state = .withinRows
        return true
    }

    /// Behind the last value of the row that begins at `start`; nil if not all of it is there.
    private func endOfRow() throws(CopyRowError) -> Int? {
        var index = start + 2
        for _ in 0..<columnCount {
            guard let length = integer(Int32.self, at: index) else { return nil }
            guard length >= -1 else { throw .length(Int(length)) }
            index += 4 + max(0, Int(length))
        }
        return index <= pending.count ? index : nil
    }

    private mutating func decodeBinary() {
        var index = start + 2
        for _ in 0..<columnCount {
            let length = Int(integer(Int32.self, at: index) ?? -1)
            index += 4
            guard length >= 0 else {
                columns.append(Column(kind: .null))
                continue
            }
            columns.append(
                Column(kind: .binary, offset: UInt32(bytes.count), length: UInt32(length)))
            bytes += pending[index..<index + length]
            bytes.append(0)
            index += length
        }
    }

    /// Nil if not all of it is there.
    private func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ type: Integer.Type, at index: Int
    ) -> Integer? {
        let width = MemoryLayout<Integer>.size
        guard index + width <= pending.count else { return nil }
        return pending.withUnsafeBytes {
            Integer(bigEndian: $0.loadUnaligned(fromByteOffset: index, as: Integer.self))
        }
    }
}
