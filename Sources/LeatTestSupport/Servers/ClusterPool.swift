/// Servers that tests share, each test with a database of its own. They start on first use and stop
/// with the test process.
public actor ClusterPool {
    /// On which side of a stream a server stands.
    public enum Role: String, CaseIterable, Sendable {
        case source
        case target
    }

    private struct Key: Hashable {
        let version: PostgresVersion
        let role: Role
    }

    /// The pool of this test process.
    public static let shared = ClusterPool()

    private var clusters: [Key: Task<TemporaryCluster, any Error>] = [:]

    /// The shared server of this version and role. Do not stop or suspend it.
    public func cluster(_ version: PostgresVersion, as role: Role) async throws -> TemporaryCluster
    {
        let key = Key(version: version, role: role)
        // Started or starting: whoever comes second waits for the first.
        let task = clusters[key] ?? Task { try await TemporaryCluster.started(version) }
        clusters[key] = task
        return try await task.value
    }
}
