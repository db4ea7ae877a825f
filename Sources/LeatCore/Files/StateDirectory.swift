/// Where the local state of streams is by default. Never a folder that is anybody's, such as
/// `/var/tmp`.
public struct StateDirectory: Sendable {
    /// Nil: nothing says where.
    private let base: String?

    public init(_ environment: [String: String], isRoot: Bool) {
        base = StateDirectory.base(in: environment, isRoot: isRoot)
    }

    /// Of one stream.
    public func path(_ stream: String) -> String? { base.map { "\($0)/\(stream)" } }

    private static func base(in environment: [String: String], isRoot: Bool) -> String? {
        // systemd's; of a service with several, the first.
        let service = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        if let service, service.hasPrefix("/") { return service }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return "\(state)/leat"
        }
        // With sudo, HOME may be that of somebody else.
        if isRoot { return "/var/lib/leat" }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return "\(home)/.local/state/leat"
    }
}
