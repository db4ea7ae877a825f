import Foundation
import LeatCore

extension StateDirectory {
    /// As this process's user and environment have it.
    static func ofThisProcess(_ stream: String) -> String? {
        StateDirectory(ProcessInfo.processInfo.environment, isRoot: geteuid() == 0).path(stream)
    }
}
