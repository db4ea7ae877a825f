/// Many CopyData payloads in one buffer: what the receiver hands on at a time.
///
/// One array of bytes and one of offsets, whatever the number of messages, so
/// that crossing a thread costs nothing a message.
public struct PayloadBatch: Sendable {
    /// All payloads, one after the other.
    @usableFromInline private(set) var bytes: [UInt8] = []
    /// Where each payload ends in ``bytes``; it begins where the last one ended.
    @usableFromInline private(set) var ends: [Int] = []

    public init() {}

    /// Number of payloads.
    @inlinable
    public var count: Int { ends.count }

    @inlinable
    public var isEmpty: Bool { ends.isEmpty }

    /// Bytes of all payloads together, without the offsets.
    @inlinable
    public var byteCount: Int { bytes.count }

    /// Copies one payload to the end; an empty one counts too.
    public mutating func append(_ payload: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: payload)
        ends.append(bytes.count)
    }

    /// Forgets all payloads; keeps the buffers for the next ones if asked.
    public mutating func removeAll(keepingCapacity: Bool = false) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        ends.removeAll(keepingCapacity: keepingCapacity)
    }

    /// The bytes of one payload, without a copy; valid while the batch is
    /// neither changed nor gone, which the compiler checks.
    ///
    /// - Precondition: `index` is in `0..<count`.
    @_lifetime(borrow self)
    @inlinable
    public func payload(at index: Int) -> RawSpan {
        let start = index == 0 ? 0 : ends[index - 1]
        return bytes.span.bytes.extracting(start..<ends[index])
    }
}
