internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
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

    let configuration: SourceConfiguration
    let clientEncoding: String
    let publications: PublicationWatch
    var definitions: DefinitionWatch?
    /// Looks at the partitions too.
    let partitions: @Sendable (Connection) async throws -> Void
    let positions: SharedPosition
    let status: JobStatus
    let logger: Logger

    /// Runs until the task is cancelled.
    ///
    /// - Throws: ``Halt`` if a publication is gone or another; the connection's error if the
    ///   source cannot be reached any more: the stream is then given up too, so that the source
    ///   can stop.
    func run() async throws {
        var connection = try await connect()
        var ends = EndWatch()
        var retained = configuration.maxRetainedWAL.map(RetainedWAL.init)
        var nextCheck = ContinuousClock.now + configuration.lookInterval
        var nextLog = ContinuousClock.now + SourceMonitor.logInterval
        while true {
            do {
                let kept = try await measureLag(on: connection, ends: &ends)
                if let kept, retained?.measured(kept) == true { tellRetained(kept) }
                if ContinuousClock.now >= nextLog {
                    nextLog = .now + SourceMonitor.logInterval
                    logProgress()
                }
                if ContinuousClock.now >= nextCheck {
                    nextCheck = .now + configuration.lookInterval
                    try await look(connection)
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

    private func look(_ connection: Connection) async throws {
        if let definitions {
            try await definitions.look(connection) { try await publications.check(connection) }
        } else {
            try await publications.check(connection)
        }
        try await partitions(connection)
    }

    private func connect() async throws -> Connection {
        try await Connection.open(
            configuration.source, peer: .source, stream: configuration.stream,
            clientEncoding: clientEncoding)
    }

    private func tellRetained(_ bytes: UInt64) {
        logger.warning(
            "the slot keeps much WAL on the source",
            metadata: [
                "slot": "\(configuration.slotName)", "bytes": "\(bytes)",
                "limit": "\(configuration.maxRetainedWAL ?? 0)",
            ])
    }

    /// - Returns: Bytes of WAL that the slot keeps.
    private func measureLag(
        on connection: Connection, ends: inout EndWatch
    ) async throws -> UInt64? {
        let heard = positions.with { $0.heard }
        let row = try await connection.query(
            """
            select pg_catalog.pg_current_wal_flush_lsn() as flushed,
              (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8 as time,
              (select restart_lsn from pg_catalog.pg_replication_slots where slot_name = $1)
                as restart_lsn,
              \(SourceMonitor.isStandby) as is_standby
            """, with: [configuration.slotName, configuration.stream.objectName]
        ).onlyRecord()
        positions.setAwaited(try row.bool("is_standby"))
        let end = try row.lsn("flushed")
        positions.sourceEndRead(end)
        try ends.look(heard: heard, written: end)
        let kept = try row.optionalLSN("restart_lsn").map { restart in
            end > restart ? end.rawValue - restart.rawValue : 0
        }
        let time = PostgresTimestamp(unixMicroseconds: Int64(try row.int("time")))
        status.update { snapshot in
            snapshot.sourceWALEnd = end
            snapshot.sourceTime = time
            snapshot.slotRetainedBytes = kept
        }
        status.tellMetrics()
        return kept
    }

    /// Whether the source's commits may wait for this stream. What tells for certain,
    /// `pg_stat_replication`, is not for every role to see.
    private static let isStandby = """
        (select pg_catalog.strpos(s.names, '*') > 0
            or pg_catalog.strpos(s.names, pg_catalog.lower($2)) > 0
          from pg_catalog.lower(
            pg_catalog.current_setting('synchronous_standby_names')) as s (names))
        """

    private func logProgress() {
        let snapshot = status.snapshot
        var fields: Logger.Metadata = [
            "position": "\(snapshot.position)",
            "lag_bytes": "\(snapshot.lagBytes.map(String.init) ?? "?")",
            "lag_seconds": "\(snapshot.lagSeconds.map { "\($0)" } ?? "?")",
            "rows": "\(snapshot.rowsApplied)",
            "transactions": "\(snapshot.transactionsApplied)",
        ]
        if let spool = snapshot.spool {
            fields["recorded"] = "\(spool.end)"
            fields["spool_bytes"] = "\(spool.bytes)"
        }
        logger.info("progress", metadata: fields)
    }
}
