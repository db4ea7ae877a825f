import Foundation

/// Folders that go away with the test process, however it ends.
enum TemporaryFolder {
    /// This process's folder for the output of its children.
    static let forOutput: String = {
        do {
            let path = try make("leat-out")
            Watchdog.shared.whenGone("remove", path)
            return path
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// Makes a fresh folder that others may enter but not write. The caller sees to its removal.
    ///
    /// The path stays short enough for a Unix socket inside (107 bytes).
    static func make(_ prefix: String) throws -> String {
        let wanted = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let parent = wanted.utf8.count < 60 ? wanted : "/tmp"
        var template = Array("\(parent)/\(prefix)-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let path = made, chmod(path, 0o755) == 0 else {
            throw TestSupportError("Cannot make a folder in \(parent): \(errnoText())")
        }
        return path
    }

    /// Makes a fresh file name in ``forOutput``.
    static func outputPath(_ name: String) -> String {
        "\(forOutput)/\(name)-\(UInt64.random(in: 0...UInt64.max))"
    }
}

/// The text of the last failed C call of this thread.
func errnoText() -> String {
    String(cString: strerror(errno))
}

/// A file's text, bad UTF-8 replaced; empty when it cannot be read.
func text(ofFile path: String) -> String {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
}

/// The last `count` lines of a text.
func lastLines(_ count: Int, of text: String) -> String {
    text.split(separator: "\n").suffix(count).joined(separator: "\n")
}
