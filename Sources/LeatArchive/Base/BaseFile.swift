internal import CZstd
internal import Glibc

/// Writes a table's rows, as COPY gives them, compressed. For one thread at a time.
public final class BaseFileWriter {
    private let file: File
    // SAFETY: made in `init`, freed in `deinit`, lent to nobody.
    private let context: OpaquePointer
    private var output: [UInt8]
    private var offset = 0
    /// Of the text, before compression.
    public private(set) var bytes = 0
    /// Of the file.
    public private(set) var checksum: UInt32 = 0

    public init(_ path: String, level: Int32 = 3) throws(ArchiveError) {
        file = try File.create(path)
        guard let context = ZSTD_createCCtx() else { preconditionFailure("out of memory") }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        self.context = context
        output = Array(repeating: 0, count: ZSTD_CStreamOutSize())
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    public func append(_ text: RawSpan) throws(ArchiveError) {
        bytes += text.byteCount
        try compress(text, directive: ZSTD_e_continue)
    }

    /// All is on disk when it returns.
    public func finish() throws(ArchiveError) {
        let nothing: [UInt8] = []
        try compress(nothing.span.bytes, directive: ZSTD_e_end)
        try file.synchronise()
    }

    private func compress(
        _ text: RawSpan, directive: ZSTD_EndDirective
    ) throws(ArchiveError) {
        var consumed = 0
        while true {
            let (written, left) = step(text, consumed: &consumed, directive: directive)
            if written > 0 {
                let piece = Array(output[..<written])
                try file.write(piece, at: offset)
                checksum = Checksum.crc32c(piece.span.bytes, continuing: checksum)
                offset += written
            }
            let isDone = directive == ZSTD_e_end ? left == 0 : consumed == text.byteCount
            if isDone { return }
        }
    }

    private func step(
        _ text: RawSpan, consumed: inout Int, directive: ZSTD_EndDirective
    ) -> (written: Int, left: Int) {
        // SAFETY: neither buffer leaves the closures.
        text.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { target in
                var input = ZSTD_inBuffer(
                    src: source.baseAddress, size: source.count, pos: consumed)
                var out = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                let left = ZSTD_compressStream2(context, &out, &input, directive)
                precondition(ZSTD_isError(left) == 0, "zstd cannot compress")
                consumed = input.pos
                return (out.pos, left)
            }
        }
    }
}

/// Reads what ``BaseFileWriter`` wrote, in pieces. For one thread at a time.
public final class BaseFileReader {
    private let file: File
    private let pieces: ZstdPieces
    private var input: [UInt8] = []
    private var consumed = 0
    private var offset = 0
    private var isFrameWhole = true
    /// Of the file, as far as it was read, to be compared with the manifest at the end.
    public private(set) var checksum: UInt32 = 0
    /// Of the text.
    public private(set) var bytes = 0

    public init(_ path: String) throws(ArchiveError) {
        file = try File(path, flags: O_RDONLY)
        guard let pieces = ZstdPieces() else { preconditionFailure("out of memory") }
        self.pieces = pieces
    }

    /// The next piece of text, of no more than about 128 KiB; nil at the end. Rows may be split.
    ///
    /// - Throws: `.compression` if the file is damaged or ends early.
    public func next() throws(ArchiveError) -> [UInt8]? {
        while true {
            if consumed == input.count {
                input = try file.read(at: offset, count: ZSTD_DStreamInSize())
                (offset, consumed) = (offset + input.count, 0)
                checksum = Checksum.crc32c(input.span.bytes, continuing: checksum)
                if input.isEmpty, isFrameWhole { return nil }
            }
            // Without input it may still hold text back.
            let piece = try pieces.next(
                input, consumed: &consumed, isFrameWhole: &isFrameWhole, about: "\(file.path): ")
            guard !piece.isEmpty else {
                guard !input.isEmpty else {
                    throw ArchiveError(.compression("\(file.path) ends early"))
                }
                continue
            }
            bytes += piece.count
            return piece
        }
    }
}
