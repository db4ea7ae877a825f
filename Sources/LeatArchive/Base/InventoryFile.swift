internal import Glibc
internal import PGWire

/// The file `inventory.json`: which of an archive's files must be there, so that one that was
/// removed is missed. An archive of an earlier version has none until its next base.
///
/// What is made is on disk before it is listed, and is taken off the list before it is removed: a
/// crash leaves a file that is not listed, never one that is listed and not there.
struct InventoryFile: Codable, Equatable, Validated {
    struct Base: Codable, Equatable {
        var point: String
        /// CRC-32C of the whole manifest.
        var manifest: String

        init(of point: LSN, from bytes: [UInt8]) {
            self.point = "\(point)"
            let checksum = Checksum.crc32c(bytes.span.bytes)
            manifest = FrameLink(end: point, checksum: checksum).checksumText
        }

        var lsn: LSN { LSN(point) ?? .zero }
    }

    static let name = "inventory.json"

    /// The finished ones.
    var bases: [Base] = []
    var hasPartitions = false
    /// An earlier version lists none.
    var hasDoubts: Bool?

    var isValid: Bool { bases.allSatisfy { LSN($0.point) != nil } }

    static func read(_ folder: ArchiveFolder) throws(ArchiveError) -> InventoryFile? {
        try CheckedJSON<InventoryFile>(in: folder, named: name)?.value
    }

    /// Where there is none, what is there counts.
    static func change(
        in folder: ArchiveFolder, by body: (inout InventoryFile) -> Void
    ) throws(ArchiveError) {
        let old = try read(folder)
        var new: InventoryFile
        if let old { new = old } else { new = try InventoryFile(folder) }
        body(&new)
        if new != old { try CheckedJSON(new).write(in: folder, named: name) }
    }

    private init(_ folder: ArchiveFolder) throws(ArchiveError) {
        for (point, bytes) in try folder.manifests() { bases.append(Base(of: point, from: bytes)) }
        hasPartitions = access("\(folder.path)/\(PartitionsFile.name)", F_OK) == 0
        hasDoubts = access("\(folder.path)/\(DoubtsFile.name)", F_OK) == 0
    }

    init() {}
}
