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

    /// `TMPDIR`, else memory where there is plenty of it: hundreds of databases are made and
    /// dropped, each of hundreds of files, and on ext4 files are slow to make for minutes after as
    /// many were removed.
    private static let parent: String = {
        let wanted = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
        guard wanted.isEmpty || wanted.utf8.count >= 60 else { return wanted }
        return hasRoom("/dev/shm") ? "/dev/shm" : "/tmp"
    }()

    private static func hasRoom(_ path: String) -> Bool {
        var room = statvfs()
        let line = text(ofFile: "/proc/meminfo").split(separator: "\n")
            .first { $0.hasPrefix("MemAvailable:") }
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        guard statvfs(path, &room) == 0, access(path, W_OK) == 0 else { return false }
        let free = Int(room.f_bavail) * Int(room.f_frsize)
        return free > 6 << 30 && kilobytes > 10 << 20
    }

    /// Makes a fresh folder that others may enter but not write. The caller sees to its removal.
    ///
    /// The path stays short enough for a Unix socket inside (107 bytes).
    static func make(_ prefix: String) throws -> String {
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
