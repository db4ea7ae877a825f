internal import LeatCore
internal import PGWire

/// The content of a frame with one change that is too large to be held twice.
///
/// It is read once with the large values left out, as if they were empty: that proves all the rest
/// of it, in a few MiB. Where the change is wanted it is read once more, and the values go straight
/// to where they stay.
struct LargeContent {
    /// A value that was left out.
    private struct Value {
        /// Of the change's columns, the old ones first; of a logical message its content.
        var column: Int
        var bytes: Int
    }

    /// Longer values are left out.
    private static let valueBytes = 64 << 10
    /// What everything but those is together, at most.
    private static let heldBytes = 2 * FrameHeader.largestShared

    private let frame: Frame

    init(_ frame: Frame) {
        self.frame = frame
    }

    /// Gives the messages, the large one without its large values.
    func read(
        _ body: (RawSpan, LSN) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        try walk(body) { _, _ in }
    }

    /// Puts the values that were left out into a batch of the frame's messages.
    ///
    /// - Precondition: The batch has the change, and nothing else.
    func complete(_ batch: inout Batch) throws(ArchiveError) {
        guard let change = batch.changes.last else { return }
        // With a NUL behind each value.
        let bytes = Int(frame.header.contentBytes) + 1
        let room = batch.bytes.count + bytes + bytes / LargeContent.valueBytes
        try Memory.require(room)
        batch.bytes.reserveCapacity(room)
        var last = -1
        try walk({ _, _ in }) { value, piece in
            if value.column != last {
                last = value.column
                LargeContent.begin(value, of: change, in: &batch)
            }
            batch.bytes.append(contentsOf: piece)
        }
        batch.bytes.append(0)
    }

    private static func begin(_ value: Value, of change: Change, in batch: inout Batch) {
        // The NUL behind the value before.
        batch.bytes.append(0)
        let (offset, length) = (UInt32(batch.bytes.count), UInt32(value.bytes))
        guard change.kind.isRow else {
            batch.messages[Int(change.relation)].contentOffset = offset
            batch.messages[Int(change.relation)].contentLength = length
            return
        }
        let old = change.oldKind == .none ? 0 : Int(change.old.count)
        let index =
            value.column < old
            ? change.old.range.lowerBound + value.column
            : change.new.range.lowerBound + value.column - old
        batch.columns[index].offset = offset
        batch.columns[index].length = length
    }

    // MARK: Walking

    private func walk(
        _ body: (RawSpan, LSN) throws(ArchiveError) -> Void,
        value: (Value, ArraySlice<UInt8>) -> Void
    ) throws(ArchiveError) {
        let stream = try ContentStream(frame.source, size: Int(frame.header.contentBytes))
        var (lsn, held) = (UInt64(0), 0)
        while stream.left > 0 {
            let (length, folded) = (try variable(stream), try variable(stream))
            lsn = lsn &+ (folded >> 1 ^ (0 &- (folded & 1)))
            guard length > 0, length <= UInt64(stream.left) else {
                throw ArchiveError(.contentDiffers("a message of \(length) bytes"))
            }
            let end = stream.left - Int(length)
            var message = Message(stream, end: end, held: held)
            try message.read(value)
            held += message.bytes.count
            try body(message.bytes.span.bytes, LSN(rawValue: lsn))
        }
        try stream.finish()
    }

    private func variable(_ stream: ContentStream) throws(ArchiveError) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while stream.left > 0, shift < 64 {
            let byte = try stream.byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw ArchiveError(.contentDiffers("a number without an end"))
    }

    /// One message, without its large values.
    private struct Message {
        let stream: ContentStream
        /// What is left of the content behind it.
        let end: Int
        /// Of the messages before it.
        let held: Int
        private(set) var bytes: [UInt8] = []

        init(_ stream: ContentStream, end: Int, held: Int) {
            (self.stream, self.end, self.held) = (stream, end, held)
        }

        private var left: Int { stream.left - end }

        mutating func read(
            _ value: (Value, ArraySlice<UInt8>) -> Void
        ) throws(ArchiveError) {
            guard left > LargeContent.valueBytes else { return try keep(left) }
            switch MessageKind(rawValue: try byte()) {
            case .insert, .update, .delete: try row(value)
            case .message: try logicalMessage(value)
            default: try keep(left)
            }
        }

        private mutating func row(
            _ value: (Value, ArraySlice<UInt8>) -> Void
        ) throws(ArchiveError) {
            try keep(4)
            var column = 0
            while left > 0 {
                // Which tuple it is.
                _ = try byte()
                let (high, low) = (Int(try byte()), Int(try byte()))
                for _ in 0..<(high << 8 | low) {
                    let kind = try byte()
                    if kind == UInt8(ascii: "t") || kind == UInt8(ascii: "b") {
                        try counted(column, value: value)
                    }
                    column += 1
                }
            }
        }

        private mutating func logicalMessage(
            _ value: (Value, ArraySlice<UInt8>) -> Void
        ) throws(ArchiveError) {
            try keep(9)
            while try byte() != 0 {}
            try counted(0, value: value)
        }

        /// A length, and so many bytes.
        private mutating func counted(
            _ column: Int, value: (Value, ArraySlice<UInt8>) -> Void
        ) throws(ArchiveError) {
            guard left >= 4 else { throw ArchiveError(.contentDiffers("a value without length")) }
            var prefix: [UInt8] = []
            try stream.take(4) { prefix += $0 }
            let count = prefix.reduce(0) { $0 << 8 | Int($1) }
            guard count <= left else {
                throw ArchiveError(.contentDiffers("a value of \(count) bytes"))
            }
            guard count > LargeContent.valueBytes else {
                bytes += prefix
                return try keep(count)
            }
            bytes += [0, 0, 0, 0]
            let found = Value(column: column, bytes: count)
            try stream.take(count) { value(found, $0) }
        }

        private mutating func byte() throws(ArchiveError) -> UInt8 {
            try keep(1)
            return bytes[bytes.count - 1]
        }

        private mutating func keep(_ count: Int) throws(ArchiveError) {
            guard count <= left else {
                throw ArchiveError(.contentDiffers("a message that ends early"))
            }
            guard held + bytes.count + count <= LargeContent.heldBytes else {
                throw ArchiveError(.tooLarge(bytes: held + bytes.count + count))
            }
            try stream.take(count) { bytes += $0 }
        }
    }
}
