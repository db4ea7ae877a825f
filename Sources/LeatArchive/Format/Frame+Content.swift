/// For what tests and fuzzing do to archives.
extension Frame {
    /// The messages, or the catalog, as they were before compression.
    package func content() throws(ArchiveError) -> [UInt8] {
        try ZstdDecompressor().decompress(payload.span.bytes, size: Int(header.contentBytes))
    }

    /// With another content, as if a writer had put it there.
    package func with(content: [UInt8]) -> Frame {
        var frame = self
        frame.payload = ZstdCompressor(level: 1).compress(content.span.bytes)
        frame.header.contentBytes = UInt32(content.count)
        return frame
    }
}
