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
        case .noMemory(let bytes): self = .noMemory(bytes)
        case .untrusted:
            self.init(
                .configuration, "The folder of the archive cannot be used: \(error).",
                advice: Halt.folderAdvice)
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

    /// For a folder into which another user could put files.
    static let folderAdvice = """
        Files and links that others put there would be read and written as if they were Leat's. \
        Give a folder that belongs to the user who runs Leat, below folders that only this user \
        and root may write to, or take the right to write from the others (chown, chmod).
        """
}
