internal import Glibc

/// Memory for what is uncommonly large. Swift ends the process where it is refused memory; here it
/// is asked for before, so that there are words for it.
package enum Memory {
    /// Where so little is refused, nothing goes any more.
    private static let worthAsking = 16 << 20

    /// - Throws: ``ArchiveError/Code/noMemory(_:)`` if the system refuses so many bytes.
    package static func require(_ bytes: Int) throws(ArchiveError) {
        guard isThere(bytes) else { throw ArchiveError(.noMemory(bytes)) }
    }

    private static func isThere(_ bytes: Int) -> Bool {
        guard bytes > worthAsking else { return true }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0),
            memory != MAP_FAILED
        else { return false }
        munmap(memory, bytes)
        return true
    }
}
