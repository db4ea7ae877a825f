internal import CZstd

enum Zstd {
    /// What no writer's compressed form of so much content is longer than.
    static func largestPayload(of content: Int) -> Int { ZSTD_compressBound(content) }
}

/// One-shot compression with a context that is kept. For one thread at a time.
final class ZstdCompressor {
    // SAFETY: made in `init`, freed in `deinit`, lent to nobody.
    private let context: OpaquePointer

    init(level: Int32) {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("out of memory") }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        self.context = context
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    /// - Parameter prefix: Room to leave at the beginning of the result.
    func compress(_ bytes: RawSpan, prefix: Int = 0) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.byteCount)
        return Array(unsafeUninitializedCapacity: prefix + bound) { out, count in
            out.baseAddress?.initialize(repeating: 0, count: prefix)
            // SAFETY: neither buffer leaves the closure; `bound` bytes are always enough.
            let written = bytes.withUnsafeBytes { source in
                ZSTD_compress2(
                    context, out.baseAddress.map { $0 + prefix }, bound, source.baseAddress,
                    source.count)
            }
            precondition(ZSTD_isError(written) == 0, "zstd cannot compress into its own bound")
            count = prefix + written
        }
    }
}

/// One-shot decompression with a context that is kept. For one thread at a time.
final class ZstdDecompressor {
    // SAFETY: made in `init`, freed in `deinit`, lent to nobody.
    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createDCtx() else { preconditionFailure("out of memory") }
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
    }

    /// - Parameter size: What the content must be long: a claim that the caller has found to be
    ///   within bounds. No more than that is written, whatever the bytes say.
    func decompress(_ bytes: RawSpan, size: Int) throws(ArchiveError) -> [UInt8] {
        // SAFETY: the buffer does not leave the closure.
        let claimed = bytes.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard claimed == UInt64(size) else {
            throw ArchiveError(.compression("the content is not \(size) bytes long"))
        }
        var code = 0
        let content = Array<UInt8>(unsafeUninitializedCapacity: size) { out, count in
            // SAFETY: neither buffer leaves the closure; at most `size` bytes are written.
            code = bytes.withUnsafeBytes { source in
                ZSTD_decompressDCtx(
                    context, out.baseAddress, size, source.baseAddress, source.count)
            }
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        guard ZSTD_isError(code) == 0 else {
            throw ArchiveError(.compression(String(cString: ZSTD_getErrorName(code))))
        }
        guard content.count == size else {
            throw ArchiveError(.compression("the content is \(content.count) bytes long"))
        }
        return content
    }
}

/// Decompression piece by piece. For one thread at a time.
final class ZstdPieces {
    // SAFETY: made in `init`, freed in `deinit`, lent to nobody.
    private let context: OpaquePointer

    /// - Parameter windowLog: The logarithm of how much of the content is kept at most; nil: zstd's own.
    /// - Returns: Nil if there is no memory.
    init?(windowLog: Int32? = nil) {
        guard let context = ZSTD_createDCtx() else { return nil }
        if let windowLog { ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLog) }
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
    }

    /// The next piece, of no more than about 128 KiB; empty if more of the input is needed.
    ///
    /// - Parameters:
    ///   - consumed: How much of the input is decompressed.
    ///   - isFrameWhole: Set to whether that is where a frame ends.
    /// - Throws: `.compression`, with what it is about before it.
    func next(
        _ input: [UInt8], consumed: inout Int, isFrameWhole: inout Bool, about: String = ""
    ) throws(ArchiveError) -> [UInt8] {
        let room = ZSTD_DStreamOutSize()
        var (result, place) = (0, consumed)
        let piece = Array<UInt8>(unsafeUninitializedCapacity: room) { out, count in
            // SAFETY: neither buffer leaves the closures.
            input.withUnsafeBytes { source in
                var input = ZSTD_inBuffer(
                    src: source.baseAddress, size: source.count, pos: place)
                var output = ZSTD_outBuffer(dst: out.baseAddress, size: room, pos: 0)
                result = ZSTD_decompressStream(context, &output, &input)
                (place, count) = (input.pos, output.pos)
            }
        }
        consumed = place
        guard ZSTD_isError(result) == 0 else {
            throw ArchiveError(.compression(about + String(cString: ZSTD_getErrorName(result))))
        }
        isFrameWhole = result == 0
        return piece
    }
}
