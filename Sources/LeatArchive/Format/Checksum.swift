internal import CCRC32C

/// CRC-32C (Castagnoli), as PostgreSQL uses it for WAL records.
public enum Checksum {
    /// - Parameter start: The checksum of what stands before these bytes; 0 at the beginning.
    public static func crc32c(_ bytes: RawSpan, continuing start: UInt32 = 0) -> UInt32 {
        // SAFETY: the buffer does not leave the closure.
        bytes.withUnsafeBytes { leat_crc32c(start, $0.baseAddress, $0.count) }
    }
}
