internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Watches the source from a session of its own.
///
/// It measures the lag (the `walEnd` of the stream is not the server's end), notices that the
/// source is going down even while a stalled target keeps the stream from being read, and
/// compares the publications with those that the stream began with.
struct SourceMonitor {
    static let interval: Duration = .seconds(1)
    static let logInterval: Duration = .seconds(60)

    let configuration: SyncConfiguration
    let clientEncoding: String
    let publications: PublicationWatch
    let partitions: PartitionWatch
    let status: SyncStatus
    let logger: Logger

    /// A minute, unless the stream is asked to be quicker in everything.
    private var publicationInterval: Duration {
        min(.seconds(60), max(configuration.statusInterval * 6, SourceMonitor.interval))
    }

    /// Runs until the task is cancelled.
    ///
    /// - Throws: ``Halt`` if a publication is gone or another; the connection's error if the
    ///   source cannot be reached any more: the stream is then given up too, so that the source
    ///   can stop.
    func run() async throws {
        var connection = try await connect()
        var nextCheck = ContinuousClock.now + publicationInterval
        var nextLog = ContinuousClock.now + SourceMonitor.logInterval
        while true {
            do {
                try await measureLag(connection)
                if ContinuousClock.now >= nextLog {
                    nextLog = .now + SourceMonitor.logInterval
                    logProgress()
                }
                if ContinuousClock.now >= nextCheck {
                    nextCheck = .now + publicationInterval
                    try await publications.check(connection)
                    try await partitions.check(connection)
                }
            } catch let error as ConnectionError {
                guard error.code == .lost else { throw error }
                // Somebody may have ended just this session. A source that is going down
                // refuses the next one.
                logger.debug("monitoring session lost", metadata: ["error": "\(error)"])
                await connection.close()
                connection = try await connect()
            }
            try await Task.sleep(for: SourceMonitor.interval)
        }
    }

    private func connect() async throws -> Connection {
        try await Connection.open(
            configuration.source, peer: .source, stream: configuration.stream,
            clientEncoding: clientEncoding)
    }

    private func measureLag(_ connection: Connection) async throws {
        let row =
            try await connection.query(
                """
                select pg_catalog.pg_current_wal_flush_lsn(),
                  (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8
                """
            ).rows.first ?? []
        guard row.count == 2, let end = row[0].flatMap(LSN.init) else { return }
        let time = row[1].flatMap(Int64.init).map(PostgresTimestamp.init(unixMicroseconds:))
        status.update { snapshot in
            snapshot.sourceWALEnd = end
            snapshot.sourceTime = time
        }
    }

    private func logProgress() {
        let snapshot = status.snapshot
        logger.info(
            "progress",
            metadata: [
                "position": "\(snapshot.position)",
                "lag_bytes": "\(snapshot.lagBytes.map(String.init) ?? "?")",
                "lag_seconds": "\(snapshot.lagSeconds.map { "\($0)" } ?? "?")",
                "rows": "\(snapshot.rowsApplied)",
                "transactions": "\(snapshot.transactionsApplied)",
            ])
    }
}
