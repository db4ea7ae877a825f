import Foundation
import LeatArchive
import LeatCore
import PGWire
import Testing

@Suite("What an archive keeps of its source's tables")
struct DefinitionsFileTests {
    private func with(_ body: (ArchiveFolder, WriterLock) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/leat-definitions-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = ArchiveFolder(path)
        try body(folder, WriterLock(folder))
    }

    @Test("definitions are read as they were written")
    func definitions() throws {
        try with { folder, lock in
            #expect(try DefinitionsFile.read(folder) == nil)
            let column = SourceColumn(
                number: 1, name: "a b", typeOID: 25, missingValue: "x\ny", version: 7)
            let base = TableDefinition(files: [.init(oid: 5, node: 6)], columns: [column])
            var known = KnownDefinitions(base)
            var seen = base
            seen.files[5] = .init(oid: 5, node: 8, isEmpty: true)
            _ = known.look(seen, at: 300)
            var file = DefinitionsFile(
                base: 100, checked: 200,
                tables: [
                    RelationID(rawValue: 5): .init(
                        name: TableName(schema: "s", name: "t"), known: known, hasLeft: true)
                ])
            file.tables[RelationID(rawValue: 5)]?.changed = 250
            file.truncates = [
                AppliedTruncate(
                    table: RelationID(rawValue: 5), xid: TransactionID(rawValue: 9),
                    isRefilled: true)
            ]

            try file.write(in: folder, under: lock)

            #expect(try DefinitionsFile.read(folder) == file)
        }
    }

    @Test("doubts too, and there is no file without any")
    func doubts() throws {
        try with { folder, lock in
            #expect(try folder.doubts().isEmpty)
            let doubt = ArchiveDoubt(
                table: TableName(schema: "s", name: "t"), reason: "it's", since: 1, noticed: 2)

            try DoubtsFile.write([doubt], in: folder, under: lock)
            #expect(try folder.doubts() == [doubt])

            try DoubtsFile.write([], in: folder, under: lock)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/doubts.json"))
        }
    }
}
