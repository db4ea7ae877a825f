internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore

/// Under which name a target's stream reads an archive.
enum ReaderName {
    static func text(stream: StreamName, _ target: DatabaseIdentity) -> String {
        let hex = target.database.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0\(digits)" : digits
        }.joined()
        let database = ArchiveReaders.isName(target.database) ? target.database : hex
        return "\(stream).\(database).\(target.systemIdentifier)"
    }
}
