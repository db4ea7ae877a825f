import LeatTestSupport
import PGClient

/// A connection to a shared server, for one test.
enum Server {
    static func connection(
        _ version: PostgresVersion = .v15, database: String = "postgres", user: String = "postgres"
    ) async throws -> Connection {
        let cluster = try await ClusterPool.shared.cluster(version, as: .target)
        return try await connection(cluster.conninfo(database: database, user: user))
    }

    static func connection(
        _ conninfo: String, timeout: Duration = .patience
    ) async throws -> Connection {
        let connection = Connection(label: "test")
        try await connection.open(
            try Conninfo(conninfo),
            options: .init(peer: .target, applicationName: "test", connectTimeout: timeout))
        return connection
    }
}

/// The error that `body` ends with; nil if it succeeds or fails otherwise.
func connectionError(_ body: () async throws -> Void) async -> ConnectionError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? ConnectionError
    }
}
