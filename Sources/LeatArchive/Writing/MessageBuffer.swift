internal import PGWire

/// Records of a frame's content: messages of pgoutput's protocol 1, each with its length and LSN
/// before it.
///
/// Values pass from a batch's arena as they came from the source.
final class MessageBuffer {
    // SAFETY: owned by this object, `capacity` bytes of it allocated, the first `count` written.
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0
    /// Of the last record: the next one says how far it is from there.
    private var lastLSN: UInt64 = 0

    init() {
        capacity = 1 << 16
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deallocate()
    }

    /// Empty again. Memory for an uncommonly large change is given back.
    func removeAll() {
        (count, lastLSN) = (0, 0)
        guard capacity > FrameHeader.largestShared else { return }
        base.deallocate()
        capacity = 1 << 16
        base = .allocate(capacity: capacity)
    }

    /// Valid until the next change of the buffer.
    func withBytes<Value>(_ body: (RawSpan) -> Value) -> Value {
        // SAFETY: the first `count` bytes are written, and the span does not leave the call.
        body(UnsafeRawBufferPointer(start: base, count: count).bytes)
    }

    // MARK: Rows

    /// Appends an Insert, Update or Delete.
    ///
    /// - Parameters:
    ///   - columns: The batch's table of columns.
    ///   - arena: The batch's bytes.
    func append(
        _ change: Change, of relation: RelationID, columns: UnsafePointer<Column>,
        arena: UnsafeRawPointer
    ) {
        let length =
            5 + (change.oldKind == .none ? 0 : MessageBuffer.length(of: change.old, columns))
            + (change.kind == .delete ? 0 : MessageBuffer.length(of: change.new, columns))
        write(length: length, at: change.lsn) { out in
            out.put(MessageBuffer.kind(of: change).rawValue)
            out.put(relation.rawValue)
            switch change.oldKind {
            case .none: break
            case .key: out.put(UInt8(ascii: "K"), tuple: change.old, of: columns, in: arena)
            case .full: out.put(UInt8(ascii: "O"), tuple: change.old, of: columns, in: arena)
            }
            if change.kind != .delete {
                out.put(UInt8(ascii: "N"), tuple: change.new, of: columns, in: arena)
            }
        }
    }

    /// What the message for a row takes at most.
    static func bound(of change: Change, _ columns: UnsafePointer<Column>) -> Int {
        32 + length(of: change.old, columns) + length(of: change.new, columns)
    }

    private static func kind(of change: Change) -> MessageKind {
        switch change.kind {
        case .insert: .insert
        case .update: .update
        case .delete: .delete
        case .truncate, .message: preconditionFailure("a row of kind \(change.kind)")
        }
    }

    /// Of a tuple, with the byte before it.
    private static func length(of tuple: Tuple, _ columns: UnsafePointer<Column>) -> Int {
        var length = 3 + Int(tuple.count)
        for index in tuple.range where columns[index].hasValue {
            length += 4 + Int(columns[index].length)
        }
        return length
    }

    // MARK: Other messages

    /// Appends a message that was put together elsewhere: there are few.
    func append(_ message: [UInt8], at lsn: LSN) {
        write(length: message.count, at: lsn) { out in
            out.put(message)
        }
    }

    // MARK: Records

    /// Length, and the distance from the record before it, of at most ten bytes each.
    private static let largestPrefix = 20

    @inline(__always)
    private func write(length: Int, at lsn: LSN, _ body: (inout MessageOutput) -> Void) {
        let needed = count + MessageBuffer.largestPrefix + length
        if needed > capacity { grow(to: needed) }
        var output = MessageOutput(next: base + count)
        output.putVariable(UInt64(length))
        let distance = Int64(bitPattern: lsn.rawValue &- lastLSN)
        output.putVariable(UInt64(bitPattern: distance << 1 ^ distance >> 63))
        lastLSN = lsn.rawValue
        let start = output.next
        body(&output)
        precondition(output.next - start == length, "a message of another length than announced")
        count = output.next - base
    }

    private func grow(to bytes: Int) {
        capacity = max(2 * capacity, bytes)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }
}

/// Writes into memory that was found large enough before.
private struct MessageOutput {
    // SAFETY: whoever makes one has reserved what will be written.
    var next: UnsafeMutablePointer<UInt8>

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        next.pointee = byte
        next += 1
    }

    @inline(__always)
    mutating func put<Integer: FixedWidthInteger>(_ value: Integer) {
        UnsafeMutableRawPointer(next).storeBytes(of: value.bigEndian, as: Integer.self)
        next += MemoryLayout<Integer>.size
    }

    mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            next.update(from: start, count: source.count)
        }
        next += bytes.count
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    @inline(__always)
    mutating func putVariable(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func put(
        _ tag: UInt8, tuple: Tuple, of columns: UnsafePointer<Column>, in arena: UnsafeRawPointer
    ) {
        put(tag)
        put(tuple.count)
        for index in tuple.range {
            let column = columns[index]
            switch column.kind {
            case .null: put(UInt8(ascii: "n"))
            case .unchangedTOAST: put(UInt8(ascii: "u"))
            case .text: put(UInt8(ascii: "t"), column: column, in: arena)
            case .binary: put(UInt8(ascii: "b"), column: column, in: arena)
            }
        }
    }

    @inline(__always)
    private mutating func put(_ tag: UInt8, column: Column, in arena: UnsafeRawPointer) {
        put(tag)
        put(column.length)
        UnsafeMutableRawPointer(next).copyMemory(
            from: arena + Int(column.offset), byteCount: Int(column.length))
        next += Int(column.length)
    }
}
