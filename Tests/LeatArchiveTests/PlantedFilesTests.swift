import Foundation
@testable import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// What stands in the files beside the segments is claims of whoever wrote them.
@Suite("Files of an archive that somebody has planted, changed or removed")
struct PlantedFilesTests {
    /// A small archive with a base, partitions and a reader.
    private func withArchive(_ body: (ArchiveFolder, BaseManifest) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/leat-planted-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = ArchiveFolder(path)
        let lock = try WriterLock(folder)
        try ArchiveWriter.begin(in: folder, under: lock, at: 1000, describing: .sample)
        try Self.stream.write(in: folder, under: lock)
        try folder.beginBase(at: 1000, under: lock)
        let rows = try BaseFileWriter("\(folder.basePath(1000))/16384.copy.zst")
        let text = Array("1\ta\n".utf8)
        try rows.append(text.span.bytes)
        try rows.finish()
        var manifest = Self.manifest()
        manifest.tables[0].bytes = rows.bytes
        manifest.tables[0].crc32c = rows.checksum
        let schema = Array("create table t ();\n".utf8)
        manifest.schemaFile = "schema.sql"
        manifest.schemaChecksum = try folder.writeBaseFile("schema.sql", holding: schema, of: 1000)
        try folder.finishBase(manifest, under: lock)
        try PartitionsFile(PartitionBook()).write(in: folder, under: lock)
        try DoubtsFile.write([Self.doubt], in: folder, under: lock)
        try ArchiveReaders(path).register("one", at: 1000)
        try body(folder, manifest)
    }

    private static let doubt = ArchiveDoubt(
        table: TableName(schema: "public", name: "t"), reason: "altered", since: 1000, noticed: 1000
    )

    private static let stream = StreamFile(
        state: .streaming, archive: ArchiveID(rawValue: 7), stream: "shop", slot: "leat_shop",
        ownsSlot: true, ownsPublication: true, publications: ["leat_shop:16500"],
        systemIdentifier: "7", database: "shop", timeline: 1, tables: [])

    private static func manifest() -> BaseManifest {
        BaseManifest(
            point: 1000, description: .sample,
            tables: [
                .init(
                    oid: 16384, schema: "public", name: "t", columns: ["id", "x"], rows: 1,
                    bytes: 4, file: "16384.copy.zst", crc32c: 0)
            ], sequences: [], schema: nil, finishedAt: 1_764_000_000)
    }

    // MARK: Claims

    @Test(
        "names of files are plain ones",
        arguments: [
            "../../../etc/passwd", "..", ".", "", "/etc/passwd", "a/b", ".hidden", "a\u{0}b",
            "manifest.json", String(repeating: "a", count: 201),
        ])
    func names(_ name: String) throws {
        var (rows, schema) = (Self.manifest(), Self.manifest())
        rows.tables[0].file = name
        (schema.schemaFile, schema.schemaChecksum) = (name, 0)
        for hostile in [rows, schema] {
            #expect(throws: ArchiveError.self) {
                try BaseManifest(decoding: hostile.encoded(), of: 1000)
            }
        }
        _ = try BaseManifest(decoding: Self.manifest().encoded(), of: 1000)
    }

    @Test(
        "numbers are such as there can be",
        arguments: [
            (-1, 4, 0), (Int.max, 4, 0), (Int.min, 4, 0), (1, -1, 0), (1, Int.max, 0),
            (1, 4, -1), (1, 4, Int.max), (1 << 60, 4, 0),
        ])
    func numbers(_ rows: Int, _ bytes: Int, _ time: Int) throws {
        var manifest = Self.manifest()
        (manifest.tables[0].rows, manifest.tables[0].bytes) = (rows, bytes)
        manifest.finishedAt = time
        // Each may be, and both together not.
        manifest.tables.append(manifest.tables[0])
        manifest.tables[1].file = "16385.copy.zst"

        #expect(throws: ArchiveError.self) {
            try BaseManifest(decoding: manifest.encoded(), of: 1000)
        }
    }

    @Test(
        "numbers that no type holds are errors",
        arguments: ["1e999", "-1e999", "NaN", "1.5", "99999999999999999999", "\"1\"", "null"])
    func unreadable(_ number: String) throws {
        let text = String(decoding: JSONContent.encode(Self.manifest()), as: UTF8.self)
        let hostile = text.replacing("\"rows\":1,", with: "\"rows\":\(number),")
        #expect(hostile != text)

        #expect(throws: ArchiveError.self) {
            try JSONContent.decode(BaseManifest.self, from: Array(hostile.utf8), what: "manifest")
        }
    }

    @Test("a type that is made of itself has no end")
    func types() throws {
        func type(_ oid: UInt32, _ inner: UInt32) -> ArchivedType {
            ArchivedType(
                CatalogType(
                    oid: oid, schema: "s", name: "t\(oid)", kind: .range, category: "R",
                    inner: inner))
        }
        #expect(ArchivedCatalog(types: [type(1, 2), type(2, 3), type(3, 0)]).isValid)
        #expect(!ArchivedCatalog(types: [type(1, 1)]).isValid)
        #expect(!ArchivedCatalog(types: [type(1, 2), type(2, 3), type(3, 1)]).isValid)
    }

    @Test(
        "stream.json: names that become those of files or stand in commands",
        arguments: ["../x", "a; rm -rf ~", ""])
    func streamNames(_ name: String) throws {
        var (stream, slot, reader) = (Self.stream, Self.stream, Self.stream)
        (stream.stream, slot.slot, reader.spoolReader) = (name, name, name)
        for hostile in [stream, slot, reader] {
            #expect(throws: ArchiveError.self) {
                try CheckedJSON<StreamFile>(decoding: CheckedJSON(hostile).encoded(), "file")
            }
        }
    }

    // MARK: Damage

    @Test("every changed bit of the files beside the segments is found, or changes nothing")
    func bits() throws {
        try withArchive { folder, _ in
            let whole = try ArchiveVerifier(folder).run()
            #expect(whole.problems == [] && whole.unproven == [] && whole.bases == [1000])
            let names = [
                "stream.json", "partitions.json", "doubts.json", "inventory.json", "readers/one",
            ]
            for name in names {
                let file = URL(fileURLWithPath: "\(folder.path)/\(name)")
                let bytes = try Data(contentsOf: file)
                for index in bytes.indices {
                    var damaged = bytes
                    damaged[index] ^= 1 << UInt8(index % 8)
                    try damaged.write(to: file)
                    let report = try ArchiveVerifier(folder).run()
                    // A changed name of the checksum makes it one of an earlier version.
                    let isFound = !report.isWhole || report.unproven == [name]
                    #expect(isFound, "byte \(index) of \(name)")
                }
                try bytes.write(to: file)
            }
            #expect(try ArchiveVerifier(folder).run().isWhole)
        }
    }

    @Test(
        "a file that was removed is missed",
        arguments: [
            "stream.json", "partitions.json", "doubts.json",
            "base/00000000000003E8/manifest.json",
            "base/00000000000003E8/schema.sql", "base/00000000000003E8/16384.copy.zst",
        ])
    func removed(_ name: String) throws {
        try withArchive { folder, _ in
            try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")

            let report = try ArchiveVerifier(folder).run()

            #expect(report.problems.map(\.file) == [name])
            #expect(report.bases == (name.hasPrefix("base") ? [] : [1000]))
        }
    }

    @Test(
        "what a copy would no longer miss is missed by it",
        arguments: ["partitions.json", "doubts.json"])
    func copiedWithout(_ name: String) throws {
        try withArchive { folder, _ in
            try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
            let copy = ArchiveFolder(folder.path + "-copy")
            defer { try? FileManager.default.removeItem(atPath: copy.path) }

            let error = #expect(throws: ArchiveError.self) {
                try ArchiveCopy(folder, to: copy).run()
            }

            #expect(error?.code == .missingFile(name))
        }
    }

    @Test("a base whose manifest was removed is not cleared away, and not copied in silence")
    func withoutManifest() throws {
        try withArchive { folder, _ in
            let base = folder.basePath(1000)
            try FileManager.default.removeItem(atPath: "\(base)/manifest.json")

            try folder.removeUnfinishedBases(WriterLock(ArchiveFolder(folder.path + "-other")))
            try? FileManager.default.removeItem(atPath: folder.path + "-other")

            #expect(FileManager.default.fileExists(atPath: "\(base)/16384.copy.zst"))
            let copy = ArchiveFolder(folder.path + "-copy")
            defer { try? FileManager.default.removeItem(atPath: copy.path) }
            #expect(throws: ArchiveError.self) { try ArchiveCopy(folder, to: copy).run() }
            #expect(throws: ArchiveError.self) { try copy.storedPosition() }
        }
    }

    @Test("partitions.json that was removed is not taken for one that never was")
    func withoutPartitions() throws {
        try withArchive { folder, _ in
            try FileManager.default.removeItem(atPath: "\(folder.path)/partitions.json")

            #expect(throws: ArchiveError(.missingFile("partitions.json"))) {
                try PartitionsFile.read(folder)
            }
        }
    }

    @Test("an archive of an earlier version, without checksums, is read and told from others")
    func earlier() throws {
        try withArchive { folder, manifest in
            for (name, bytes) in [
                ("stream.json", JSONContent.encode(Self.stream)),
                ("partitions.json", JSONContent.encode(PartitionsFile(PartitionBook()))),
                ("readers/one", Array("leat-reader 1\nend 0/3E8\n".utf8)),
            ] {
                try Data(bytes).write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
            }
            try FileManager.default.removeItem(atPath: "\(folder.path)/inventory.json")

            let report = try ArchiveVerifier(folder).run()

            #expect(report.isWhole && report.bases == [1000])
            #expect(report.unproven == ["stream.json", "partitions.json", "readers/one"])
            #expect(try StreamFile.read(folder) == Self.stream)
            #expect(try ArchiveReaders(folder.path).all().map(\.end) == [1000])
        }
    }

    @Test("a copy lists what it has")
    func copied() throws {
        try withArchive { folder, _ in
            let copy = ArchiveFolder(folder.path + "-copy")
            defer { try? FileManager.default.removeItem(atPath: copy.path) }
            _ = try ArchiveCopy(folder, to: copy).run()

            let report = try ArchiveVerifier(copy).run()

            #expect(report.isWhole && report.bases == [1000])
            #expect(try InventoryFile.read(copy) == InventoryFile.read(folder))
        }
    }

    @Test("links and pipes in an archive are not followed, nor waited for")
    func links() throws {
        try withArchive { folder, manifest in
            let base = folder.basePath(1000)
            let outside = folder.path + "-outside"
            try FileManager.default.moveItem(atPath: base, toPath: outside)
            defer { try? FileManager.default.removeItem(atPath: outside) }
            try FileManager.default.createSymbolicLink(
                atPath: base, withDestinationPath: outside)
            #expect(throws: ArchiveError.self) { try folder.bases() }

            try FileManager.default.removeItem(atPath: base)
            try FileManager.default.moveItem(atPath: outside, toPath: base)
            for name in ["16384.copy.zst", "schema.sql"] {
                try FileManager.default.moveItem(
                    atPath: "\(base)/\(name)", toPath: outside)
                try FileManager.default.createSymbolicLink(
                    atPath: "\(base)/\(name)", withDestinationPath: outside)
                #expect(try ArchiveVerifier(folder).run().problems.count == 1)
                try FileManager.default.removeItem(atPath: "\(base)/\(name)")
                try FileManager.default.moveItem(atPath: outside, toPath: "\(base)/\(name)")
            }
            try FileManager.default.removeItem(atPath: "\(folder.path)/readers/one")
            mkfifo("\(folder.path)/readers/one", 0o600)
            #expect(throws: ArchiveError.self) { try ArchiveReaders(folder.path).all() }
        }
    }
}
