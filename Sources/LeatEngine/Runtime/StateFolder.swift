internal import Foundation
internal import Glibc
internal import LeatArchive
internal import LeatCore
internal import Logging

/// The stream's folder on this machine: spool files of large transactions, why it stopped, for one
/// process at a time.
///
/// It is emptied by each start and removed by `leat cleanup`. So it has a marker with the stream's
/// name, and nothing is done in a folder that has none and holds files of others. A folder of a
/// version that made no marker is known by what is in it, and marked.
struct StateFolder {
    private let path: String
    private let lock: FolderLock

    /// Makes the folder if it is not there.
    ///
    /// - Throws: ``Halt``: exit code 9 if the folder cannot be used, 2 if it is not the stream's or
    ///   others could put files there, 4 if another process uses it.
    init(at path: String, of stream: StreamName, logger: Logger) throws(Halt) {
        self.path = path
        do {
            for warning in try FolderCheck.make(path) {
                logger.warning(
                    "others may put files into the state folder", metadata: ["reason": "\(warning)"]
                )
            }
            let decision = try StateFolder.contents(path).decision(for: stream)
            try StateFolder.check(decision, at: path)
            lock = try FolderLock("\(path)/\(StateFolderContents.lockName)")
            if decision == .mark {
                try File.replace(
                    StateFolder.marker(path),
                    with: Array(StateFolderContents.marker(of: stream).utf8))
            }
        } catch let halt as Halt {
            throw halt
        } catch let error as ArchiveError {
            throw StateFolder.unusable(path, error: error)
        } catch {
            throw Halt(.internalError, "Internal error: \(error).")
        }
    }

    private static func marker(_ path: String) -> String {
        "\(path)/\(StateFolderContents.markerName)"
    }

    private static func contents(_ path: String) throws(ArchiveError) -> StateFolderContents {
        // A disk of its own has one.
        var names: [String] = []
        for name in try File.names(in: path, followsLink: true) where name != "lost+found" {
            guard access(marker("\(path)/\(name)"), F_OK) != 0 else { continue }
            names.append(name)
        }
        // One that is not there is empty.
        let spool = try File.names(in: "\(path)/\(StateFolderContents.spoolName)")
        var text: String?
        if let file = try File.openIfPresent(marker(path)) {
            text = String(decoding: try file.read(at: 0, count: 4096), as: UTF8.self)
        }
        return StateFolderContents(names: names, spoolNames: spool, marker: text)
    }

    private static func check(
        _ decision: StateFolderContents.Decision, at path: String
    ) throws(Halt) {
        switch decision {
        case .use, .mark: return
        case .ofAnotherStream(let stream):
            throw Halt(
                .configuration, "The state folder \(path) is that of stream \(stream).",
                advice: "Each stream has its own: choose another with --state-dir.")
        case .damagedMarker:
            throw Halt(
                .configuration,
                "The file \(marker(path)) does not say whose state folder this is.",
                advice: """
                    Nothing in the folder is needed by a later start. Remove it if it is Leat's, \
                    or choose another with --state-dir.
                    """)
        case .foreign(let names):
            throw Halt(
                .configuration,
                """
                The folder \(path) is no state folder of Leat's, and not empty: \
                \(NameList.text(names)).
                """,
                advice: """
                    A state folder is emptied at each start. Choose a new or empty one with \
                    --state-dir, such as \(path)/leat.
                    """)
        }
    }

    /// What lies in a state folder goes with the next start, or with the stream.
    ///
    /// - Parameters:
    ///   - archive: Need not be there yet: nothing is to be made in a state folder.
    ///   - path: The state folder.
    static func checkIsOutside(_ archive: String, of path: String) throws(Halt) {
        let (inner, outer) = (resolved(archive), resolved(path))
        guard inner == outer || inner.hasPrefix(outer + "/") else { return }
        throw Halt(
            .configuration,
            "The folder \(archive) lies in the state folder \(path), which is emptied.",
            advice: "Give a folder elsewhere.")
    }

    /// Of one that is not there as far as it is.
    private static func resolved(_ path: String) -> String {
        if let resolved = realpath(path, nil) {
            defer { free(resolved) }
            return String(cString: resolved)
        }
        guard let slash = path.lastIndex(of: "/") else {
            return path == "." ? path : "\(resolved("."))/\(path)"
        }
        guard slash > path.startIndex else { return path }
        return resolved(String(path[..<slash])) + path[slash...]
    }

    private static func unusable(_ path: String, error: ArchiveError) -> Halt {
        switch error.code {
        case .heldBy(let holder):
            Halt(
                .target, "The state folder \(path) is held by process \(holder) on this machine.",
                advice: """
                    It runs a stream of the same name. Stop it, or, for another target, choose \
                    another --stream or --state-dir.
                    """)
        case .untrusted:
            Halt(
                .configuration, "Cannot use the state folder \(path): \(error).",
                advice: "\(Halt.folderAdvice) --state-dir names another.")
        default:
            Halt(
                .localDisk, "Cannot use the state folder \(path): \(error).",
                advice: "Choose another with --state-dir.")
        }
    }

    // MARK: The end of a stream

    /// Removes what Leat has put into a stream's state folder, and the folder if that was all.
    ///
    /// - Returns: Why it stays; nil if it is gone, or not on this machine.
    static func remove(at path: String, of stream: StreamName, logger: Logger) -> String? {
        guard access(path, F_OK) == 0 else { return nil }
        do throws(Halt) {
            let folder = try StateFolder(at: path, of: stream, logger: logger)
            return withExtendedLifetime(folder) { folder.removeFiles() }
        } catch {
            return error.message
        }
    }

    private func removeFiles() -> String? {
        do throws(ArchiveError) {
            try ChangesFolder("\(path)/\(StateFolderContents.spoolName)").remove()
            // The marker last: what is left without it would be nobody's.
            for name in [
                StateFolderContents.haltName, StateFolderContents.lockName,
                StateFolderContents.markerName,
            ] { try File.remove("\(path)/\(name)") }
        } catch {
            return "\(error)"
        }
        guard rmdir(path) == 0 || errno == ENOENT else {
            return errno == ENOTEMPTY ? "it holds other files" : String(cString: strerror(errno))
        }
        return nil
    }
}
