package import Logging

extension Logger {
    /// - Parameter reasons: Why others than the user who runs Leat could put files into an archive.
    package func warn(ofArchive reasons: [String]) {
        for reason in reasons {
            warning("others may put files into the archive", metadata: ["reason": "\(reason)"])
        }
    }
}
