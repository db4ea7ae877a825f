internal import LeatArchive
internal import LeatCore

extension Halt {
    /// What writing an archive has met.
    init(writing error: ArchiveError) {
        switch error.code {
        case .file(let reason), .noRoom(let reason):
            self.init(
                .localDisk, "The archive cannot be written: \(reason).",
                advice: """
                    What is stored stays whole, and the source keeps what is not. Free space or \
                    mend the disk, and start again: the recording goes on where it was stored.
                    """)
        case .heldBy(let process):
            self.init(
                .target, "The archive is written by process \(process) on this machine.",
                advice: "Stop it, or give another folder.")
        default:
            self.init(
                .localDisk, "The archive cannot be gone on with: \(error).",
                advice: """
                    Its files were changed or lost after they were stored. leat archive verify \
                    says what is still usable; begin a new archive in another folder, --with-base.
                    """)
        }
    }
}
