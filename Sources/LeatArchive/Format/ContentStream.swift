internal import CZstd
internal import PGWire

/// The content of a frame that is too large to be held, decompressed piece by piece. For one thread
/// at a time.
final class ContentStream {
    private let pieces: ZstdPieces
    private let payload: Frame.Payload
    private var input: [UInt8] = []
    private var consumed = 0
    private var offset = 0
    private var isFrameWhole = false
    private var piece: [UInt8] = []
    private var used = 0
    /// Of the content that is claimed.
    private(set) var left: Int

    private static let inputBytes = 1 << 20
    /// 16 MiB: what is asked to be kept of what was decompressed.
    private static let windowLog: Int32 = 24

    /// - Parameter size: What the content must be long.
    init(_ payload: Frame.Payload, size: Int) throws(ArchiveError) {
        self.payload = payload
        left = size
        guard let pieces = ZstdPieces(windowLog: ContentStream.windowLog) else {
            throw ArchiveError(.noMemory(0))
        }
        self.pieces = pieces
        input = try payload.read(at: 0, count: ContentStream.inputBytes)
        offset = input.count
        // SAFETY: the buffer does not leave the closure.
        let claimed = input.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard claimed == UInt64(size) else {
            throw ArchiveError(.compression("the content is not \(size) bytes long"))
        }
    }

    func byte() throws(ArchiveError) -> UInt8 {
        if used == piece.count { try decompress() }
        defer { (used, left) = (used + 1, left - 1) }
        return piece[used]
    }

    /// Lends the next bytes, in pieces.
    ///
    /// - Parameter count: No more than ``left``.
    func take(_ count: Int, giving body: (ArraySlice<UInt8>) -> Void) throws(ArchiveError) {
        var wanted = count
        while wanted > 0 {
            if used == piece.count { try decompress() }
            let taken = min(wanted, piece.count - used)
            body(piece[used..<used + taken])
            (used, left, wanted) = (used + taken, left - taken, wanted - taken)
        }
    }

    /// - Throws: `.compression` if there is more than was claimed.
    func finish() throws(ArchiveError) {
        // The frame's own end may be still to be read.
        while used == piece.count, !isFrameWhole { try step() }
        guard left == 0, used == piece.count, consumed == input.count, offset == payload.count
        else { throw ArchiveError(.compression("the content is longer than it says")) }
    }

    /// Until there is something.
    private func decompress() throws(ArchiveError) {
        repeat { try step() } while piece.isEmpty && !isFrameWhole
        guard !piece.isEmpty else {
            throw ArchiveError(.compression("the content is shorter than it says"))
        }
    }

    private func step() throws(ArchiveError) {
        if consumed == input.count {
            input = try payload.read(at: offset, count: ContentStream.inputBytes)
            (offset, consumed) = (offset + input.count, 0)
        }
        let before = consumed
        piece = try pieces.next(input, consumed: &consumed, isFrameWhole: &isFrameWhole)
        used = 0
        guard isFrameWhole || !piece.isEmpty || consumed > before || !input.isEmpty else {
            throw ArchiveError(.compression("it ends early"))
        }
    }
}
