internal import Foundation
internal import Glibc
internal import LeatCore

/// The stream's folder on this machine: spool files of large transactions, for one process at a
/// time.
struct StateFolder {
    private let path: String
    private let descriptor: Int32

    /// - Throws: ``Halt``: exit code 9 if the folder cannot be used, 2 if another process does.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw StateFolder.unusable(path, error.localizedDescription)
        }
        descriptor = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StateFolder.unusable(path, String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = StateFolder.read(descriptor)
            close(descriptor)
            throw Halt(
                .target, "The state folder \(path) is held by process \(holder) on this machine.",
                advice: """
                    It runs a stream of the same name. Stop it, or, for another target, choose \
                    another --stream or --state-dir.
                    """)
        }
        write(getpid())
    }

    /// Who holds the folder, for the message of a process that comes second.
    private func write(_ process: pid_t) {
        let text = Array("\(process)\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    private static func read(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? "?"
    }

    /// What lies in here goes with the next start, or with the stream.
    ///
    /// - Parameter archive: A folder that is there.
    func checkIsOutside(_ archive: String) throws(Halt) {
        let (inner, outer) = (StateFolder.resolved(archive), StateFolder.resolved(path))
        guard inner == outer || inner.hasPrefix(outer + "/") else { return }
        throw Halt(
            .configuration,
            "The folder \(archive) lies in the state folder \(path), which is emptied.",
            advice: "Give a folder elsewhere.")
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    func unlock() {
        close(descriptor)
    }

    private static func unusable(_ path: String, _ reason: String) -> Halt {
        Halt(
            .localDisk, "Cannot use the state folder \(path): \(reason).",
            advice: "Choose another with --state-dir.")
    }
}
