public import LeatCore
internal import PGWire

/// The file `doubts.json`: from where on an archive may have other rows than its source. There is
/// none as long as nothing of the kind was noticed.
public enum DoubtsFile {
    struct Entry: Codable {
        var schema: String
        var name: String
        var reason: String
        var since: String
        var noticed: String
        var until: String?

        fileprivate init(_ doubt: ArchiveDoubt) {
            schema = doubt.table.schema
            name = doubt.table.name
            reason = doubt.reason
            since = doubt.since.description
            noticed = doubt.noticed.description
            until = doubt.until?.description
        }

        fileprivate var doubt: ArchiveDoubt {
            ArchiveDoubt(
                table: TableName(schema: schema, name: name), reason: reason,
                since: LSN(since) ?? .zero, noticed: LSN(noticed) ?? LSN(rawValue: .max),
                until: until.flatMap { LSN($0) })
        }
    }

    struct Content: Codable {
        var doubts: [Entry]
    }

    static let name = "doubts.json"

    fileprivate static func read(_ folder: ArchiveFolder) throws(ArchiveError) -> [ArchiveDoubt] {
        if let file = try CheckedJSON<Content>(in: folder, named: name) {
            return file.value.doubts.map(\.doubt)
        }
        guard try InventoryFile.read(folder)?.hasDoubts != true else {
            throw ArchiveError(.missingFile(name))
        }
        return []
    }

    /// On disk when it returns.
    public static func write(
        _ doubts: [ArchiveDoubt], in folder: ArchiveFolder, under lock: WriterLock
    ) throws(ArchiveError) {
        guard try doubts != read(folder) else { return }
        guard !doubts.isEmpty else {
            try InventoryFile.change(in: folder) { $0.hasDoubts = false }
            return try File.remove("\(folder.path)/\(name)")
        }
        try CheckedJSON(Content(doubts: doubts.map { Entry($0) })).write(in: folder, named: name)
        try InventoryFile.change(in: folder) { $0.hasDoubts = true }
    }
}

extension ArchiveFolder {
    /// From where on the archive may have other rows than its source, and up to which base.
    ///
    /// A base that is there ends them, whether a crash came before that was written or not.
    public func doubts() throws(ArchiveError) -> [ArchiveDoubt] {
        var doubts = try DoubtsFile.read(self)
        guard doubts.contains(where: \.isOpen) else { return doubts }
        let bases = try bases().map(\.lsn)
        for index in doubts.indices { doubts[index].end(at: bases) }
        return doubts
    }
}
