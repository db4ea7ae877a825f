import LeatCatalogs
import LeatCore
import LeatEngine
import LeatFlow
import PGClient
import PGWire

/// A stream that is received and assembled as `leat sync` does, and thrown away: what the source
/// and the receiver cost by themselves. Nothing is confirmed, so the slot stays where it is.
struct DiscardedStream: Sendable {
    struct Totals: Sendable {
        var changes = 0
        var transactions = 0
        var batches = 0
        var batchBytes = 0
    }

    private let source: Conninfo
    private let stream: StreamName
    private let slot: String
    private let publication: String
    private let isBinary: Bool
    private let positions = SharedPosition(
        PositionState(startingAt: .zero, confirmed: .zero))

    init(
        source: Conninfo, stream: StreamName, slot: String, publication: String, isBinary: Bool
    ) {
        self.source = source
        self.stream = stream
        self.slot = slot
        self.publication = publication
        self.isBinary = isBinary
    }

    /// Reads from the slot's confirmed position to the end of the server's WAL as it is now.
    ///
    /// - Parameters:
    ///   - starting: Called with the walsender's process ID just before the stream starts,
    ///   - received: and after each batch. What comes behind the last one is waiting for no more.
    func run(
        spoolFolder: String, starting: @Sendable (Int?) -> Void,
        received: @Sendable (Int?) -> Void
    ) async throws -> Totals {
        let receiver = SlotReceiver()
        return try await closing(receiver) {
            try await receiver.open(source, stream: stream)
            try await receiver.prepare(clientEncoding: "UTF8")
            let tables = try await tables(receiver)
            let (end, walsender) = try await receiver.run { session in
                let pid = try session.execute("select pg_catalog.pg_backend_pid()").int()
                return (try session.identifySystem().walEnd, pid)
            }
            starting(walsender)
            try await start(receiver, of: tables, in: spoolFolder)
            return try await discard(receiver, until: end) { received(walsender) }
        }
    }

    private func tables(_ receiver: SlotReceiver) async throws -> FollowedTables {
        let publication = publication
        let rows = try await receiver.run { session in
            try session.execute(
                """
                select c.oid, n.nspname, c.relname
                from pg_catalog.pg_publication_tables p
                join pg_catalog.pg_namespace n on n.nspname = p.schemaname
                join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
                where p.pubname = \(SQLText.literal(publication))
                """
            ).records
        }
        var tables: [RelationID: FollowedTables.Table] = [:]
        for row in rows {
            tables[try row.relation("oid")] = FollowedTables.Table(
                name: try row.table(), snapshot: .zero)
        }
        return FollowedTables(tables)
    }

    private func start(
        _ receiver: SlotReceiver, of tables: FollowedTables, in spoolFolder: String
    ) async throws {
        var options = [
            (name: "proto_version", value: "2"), (name: "streaming", value: "on"),
            (name: "publication_names", value: SQLText.listed(publication)),
        ]
        if isBinary { options.append((name: "binary", value: "true")) }
        try await receiver.start(
            SlotReceiver.Stream(
                slot: slot, position: .zero, options: options, protocolVersion: 2,
                tables: tables, skipsTransactionsWithOrigin: false, spoolFolder: spoolFolder,
                positions: positions))
    }

    private func discard(
        _ receiver: SlotReceiver, until end: LSN, received: () -> Void
    ) async throws -> Totals {
        var totals = Totals()
        while true {
            switch try await receiver.next() {
            case .ended:
                guard positions.with({ $0.heard >= end }) else {
                    throw Restart(reason: "the source ended the stream")
                }
                return totals
            case .nothing:
                // Caught up, the server names the end of its WAL in a keepalive. What is held
                // back still comes.
                if positions.with({ $0.heard >= end }) { receiver.stop() }
            case .batch(let batch):
                totals.changes += batch.changes.count
                totals.transactions += batch.transactions.count(where: \.isComplete)
                totals.batches += 1
                totals.batchBytes += batch.byteCount
                received()
                if positions.batchApplied() { receiver.sinkHasRoom() }
            }
        }
    }
}
