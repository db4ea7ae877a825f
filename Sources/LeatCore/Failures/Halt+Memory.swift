extension Halt {
    /// For what is held as a whole.
    package static func noMemory(_ bytes: Int?) -> Halt {
        let much = bytes.map { "\(Units.bytes(UInt64($0))) of memory" } ?? "memory"
        return Halt(
            .localDisk, "This machine refuses Leat \(much).",
            advice: """
                Nothing is lost; a later start resumes. A change is held as a whole, a few times \
                where it is passed on: raise the limit (ulimit -v, MemoryMax, the container's) \
                above four times the largest row.
                """)
    }
}
