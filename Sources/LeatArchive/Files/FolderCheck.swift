internal import Glibc
internal import LeatCore

/// Looks at a folder that is to be written to, and at all those above it.
package enum FolderCheck {
    /// - Parameter path: Need not be there yet: then what will be above it counts.
    /// - Returns: Warnings: only a group could put files there.
    /// - Throws: ``ArchiveError/Code/untrusted(_:)`` if anybody else could.
    @discardableResult
    package static func requireTrusted(_ path: String) throws(ArchiveError) -> [String] {
        let trust = FolderTrust(user: geteuid(), rootOwner: status("/")?.st_uid ?? 0)
        let findings = trust.findings(folder: folder(path), above: above(path))
        guard let refusal = findings.refusals.first else { return findings.warnings }
        throw ArchiveError(.untrusted(refusal))
    }

    /// Makes a folder, if it is not there, where nobody else could have put one.
    ///
    /// - Returns: As ``requireTrusted(_:)``.
    package static func make(_ path: String) throws(ArchiveError) -> [String] {
        try requireTrusted(path)
        try File.makeFolder(path)
        return try requireTrusted(path)
    }

    // MARK: What is there

    private static func folder(_ path: String) -> FolderTrust.Step? {
        resolved(path).flatMap { step($0) }
    }

    /// Of the path as it is written the links, of where it leads to the folders.
    private static func above(_ path: String) -> [FolderTrust.Step] {
        let written = prefixes(absolute(path))
        let links = written.compactMap { step($0) }.filter(\.isLink)
        guard let deepest = written.lazy.compactMap(resolved).first else { return links }
        let folders = prefixes(deepest).compactMap { step($0) }
        return links + (resolved(path) == nil ? folders : Array(folders.dropFirst()))
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return "\(String(cString: here))/\(path)"
    }

    /// The path, and all above it up to the system's own folder.
    private static func prefixes(_ path: String) -> [String] {
        var (found, rest) = ([path], path)
        while rest != "/", rest != ".", !rest.isEmpty {
            rest = File.parent(of: rest)
            found.append(rest)
        }
        return found
    }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func step(_ path: String) -> FolderTrust.Step? {
        guard let found = status(path) else { return nil }
        return FolderTrust.Step(
            path: path, owner: found.st_uid, mode: found.st_mode & 0o7777,
            isLink: found.st_mode & S_IFMT == S_IFLNK,
            isGroupPrivate: isPrivate(found.st_gid, of: found.st_uid))
    }

    /// Many systems give each user a group of the same name.
    private static func isPrivate(_ group: gid_t, of user: uid_t) -> Bool {
        guard let group = getgrgid(group), let user = getpwuid(user),
            strcmp(group.pointee.gr_name, user.pointee.pw_name) == 0
        else { return false }
        return group.pointee.gr_mem?.pointee == nil
    }

    private static func status(_ path: String) -> stat? {
        var found = stat()
        return lstat(path, &found) == 0 ? found : nil
    }
}
