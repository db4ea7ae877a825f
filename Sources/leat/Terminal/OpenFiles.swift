import Foundation
import LeatCore

/// How many files and connections this process may have open.
enum OpenFiles {
    /// A stream that copies has some fifty: two for each connection.
    private static let least: rlim_t = 64
    /// No more is ever of use.
    private static let most: rlim_t = 65_536

    private static var resource: __rlimit_resource_t {
        __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    }

    /// Takes what the system allows.
    static func takeAllowed() {
        guard var limit = current() else { return }
        let allowed = min(limit.rlim_max, most)
        guard limit.rlim_cur < allowed else { return }
        limit.rlim_cur = allowed
        _ = setrlimit(resource, &limit)
    }

    /// - Throws: ``Halt`` if it is too little for a stream.
    static func require() throws(Halt) {
        guard let limit = current(), limit.rlim_cur < least else { return }
        throw Halt(
            .configuration, "This process may have only \(limit.rlim_cur) files open.",
            advice: """
                Each connection takes two. Give it at least \(least): ulimit -n 1024, or \
                LimitNOFILE= of its service.
                """)
    }

    private static func current() -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
