public import LeatCore
internal import PGWire

/// The file `partitions.json`: which partitions of the recorded tables are known, and what happened
/// to them that is not in the stream. It does for an archive what `leat.partitions` does for a
/// target. A new base begins it anew.
public struct PartitionsFile: Codable, Equatable, Sendable {
    private struct Entry: Codable, Equatable {
        var root: UInt32
        var partition: UInt32
        var schema: String
        var name: String
        var change: String?
    }

    private var partitions: [Entry]

    public init(_ book: PartitionBook) {
        partitions = book.all.map { entry in
            Entry(
                root: entry.root.rawValue, partition: entry.id.rawValue,
                schema: entry.name.schema, name: entry.name.name, change: entry.change?.rawValue)
        }
    }

    public var book: PartitionBook {
        PartitionBook(
            partitions.map { entry in
                PartitionBook.Entry(
                    root: RelationID(rawValue: entry.root),
                    id: RelationID(rawValue: entry.partition),
                    name: TableName(schema: entry.schema, name: entry.name),
                    change: entry.change.flatMap(PartitionBook.Change.init))
            })
    }

    static let name = "partitions.json"

    /// Nil if there is none: nobody has looked.
    ///
    /// - Throws: `.missingFile` if somebody has.
    public static func read(_ folder: ArchiveFolder) throws(ArchiveError) -> PartitionsFile? {
        if let file = try CheckedJSON<PartitionsFile>(in: folder, named: name) { return file.value }
        guard try InventoryFile.read(folder)?.hasPartitions != true else {
            throw ArchiveError(.missingFile(name))
        }
        return nil
    }

    /// On disk when it returns.
    public func write(in folder: ArchiveFolder, under lock: WriterLock) throws(ArchiveError) {
        try CheckedJSON(self).write(in: folder, named: PartitionsFile.name)
        try InventoryFile.change(in: folder) { $0.hasPartitions = true }
    }
}
