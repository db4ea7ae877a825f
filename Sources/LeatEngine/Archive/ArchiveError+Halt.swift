public import LeatArchive
public import LeatCore

extension Halt {
    /// What reading an archive has met.
    ///
    /// - Parameter path: Of the archive.
    public init(_ error: ArchiveError, archive path: String) {
        switch error.code {
        case .noArchive:
            self.init(
                .configuration, "There is no archive in \(path): it has no file \"position\".",
                advice: "Give the folder that leat record writes to.")
        case .beforeBeginning(let wanted, let beginning):
            self.init(
                .positionMismatch,
                """
                Archive \(path) begins at \(beginning), after \(wanted): the changes between them \
                were removed.
                """,
                advice: "Begin anew from a base that it still holds: leat replay --rewind.")
        case .file(let reason), .noRoom(let reason):
            self.init(.localDisk, "Archive \(path) cannot be read: \(reason).")
        case .untrusted, .noMemory: self.init(writing: error)
        case .unknownVersion:
            self.init(
                .source, "Archive \(path): \(error).", advice: "Read it with a newer leat.")
        default:
            self.init(
                .source, "Archive \(path) is damaged: \(error).",
                advice: """
                    Nothing from there on was applied. leat archive verify says what is still \
                    usable.
                    """)
        }
    }
}
