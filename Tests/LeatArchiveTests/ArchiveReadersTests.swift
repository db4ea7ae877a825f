import Foundation
import LeatArchive
import LeatTestSupport
import PGWire
import Testing

@Suite("The readers of an archive")
struct ArchiveReadersTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "/leat-readers-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test("each has its own position, moves it, and is there until it is forgotten")
    func registers() throws {
        try withFolder { path in
            let readers = ArchiveReaders(path)
            #expect(try readers.all().isEmpty)

            try readers.register("one", at: 100)
            try readers.register("two", at: 200)
            try readers.register("one", at: 300)

            let found = try readers.all()
            #expect(found.map(\.name) == ["one", "two"])
            #expect(found.map(\.end) == [300, 200])
            #expect(try readers.forget("one"))
            #expect(try !readers.forget("one"))
            #expect(try readers.all().map(\.name) == ["two"])
        }
    }

    @Test("a file that says nothing counts as a reader that needs everything")
    func damaged() throws {
        try withFolder { path in
            let readers = ArchiveReaders(path)
            try readers.register("one", at: 100)
            try Data("leat-reader 1\nend 0/".utf8).write(
                to: URL(fileURLWithPath: path + "/readers/one"))

            #expect(try readers.all().map(\.end) == [nil])
        }
    }

    @Test(
        "a name is a plain file name",
        arguments: [("a-B_9.x", true), ("", false), ("../a", false), (".a", false), ("a b", false)])
    func names(_ name: String, _ isName: Bool) {
        #expect(ArchiveReaders.isName(name) == isName)
    }
}
