internal import Foundation
internal import Glibc
internal import LeatCore

/// The stream's folder on this machine: spool files of large transactions, for one process at a
/// time.
struct StateFolder {
    private let descriptor: Int32

    /// - Throws: ``Halt``: exit code 9 if the folder cannot be used, 2 if another process does.
    init(_ path: String) throws {
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
            close(descriptor)
            throw Halt(
                .target, "Another process on this machine uses the state folder \(path).",
                advice: """
                    It is held by a sync of the same stream name. Stop it, or, for another \
                    target, choose another --stream or --state-dir.
                    """)
        }
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
