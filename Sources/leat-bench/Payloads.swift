/// CopyData payloads one behind the other, as they lie in libpq's buffer.
struct Payloads {
    private var bytes: [UInt8] = []
    private var ends = [0]

    mutating func append(_ payload: [UInt8]) {
        bytes += payload
        ends.append(bytes.count)
    }

    var count: Int { ends.count - 1 }
    var byteCount: Int { bytes.count }

    subscript(index: Int) -> RawSpan {
        @_lifetime(borrow self)
        get { bytes.span.bytes.extracting(ends[index]..<ends[index + 1]) }
    }
}
