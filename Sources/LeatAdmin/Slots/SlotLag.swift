internal import LeatCatalogs
public import LeatCore
public import PGClient
public import PGWire

/// How far the reader of a slot is behind.
///
/// Measured from outside, without acquiring the slot: that would disturb its reader, and on 17 and
/// newer make an abandoned slot look as if it were in use.
public struct SlotLag: Sendable {
    public var slot: ServerSlot
    public var limits: SlotLimits
    public var stream: SlotStream?
    /// What the reader has confirmed: WAL behind it is its own again.
    public var position: LSN
    /// From there to the end of the server's WAL.
    public var bytes: Int
    /// How old the oldest WAL is that is not confirmed, at least; nil if nothing can tell.
    public var seconds: Double?
    public var secondsFrom: Clock?

    /// What the age was told by. Each is a lower bound, and the highest counts.
    public enum Clock: String, Sendable, Codable {
        /// Nothing is unconfirmed.
        case nothing
        /// `flush_lag` of the walsender: exact, while the reader answers.
        case walsender
        /// When the WAL file that holds the position was finished: `pg_ls_waldir`, which
        /// `pg_monitor` may call.
        case walFile = "wal_file"
        /// The last checkpoint began behind the position.
        case checkpoint
        /// The end of the WAL was seen behind the position while the slot was watched.
        case watch
    }

    /// - Throws: ``Halt``: with exit code 8 if the slot is lost, or not there.
    public static func read(
        _ source: Conninfo, slot name: SlotName, streams: SlotStreams.Known, command: String
    ) async throws -> SlotLag {
        try await Connection.with(source, peer: .source, command: command) { session in
            guard let slot = try SlotCatalog.read(session, names: [name.text]).first else {
                throw SlotStreams.noSlot(name.text, exitCode: .positionMismatch)
            }
            return try SlotLag(of: slot, stream: streams.of(session).stream(of: slot), on: session)
        }
    }

    private init(of slot: ServerSlot, stream: SlotStream?, on session: Session) throws {
        guard !slot.isLost else {
            throw Halt(
                .positionMismatch,
                """
                Slot \(slot.name) is lost: it was invalidated \
                (\(slot.invalidationReason ?? "wal_removed")), and nothing can read it again.
                """, advice: "leat slot drop \(slot.name), and begin its reader anew.")
        }
        (self.slot, self.stream) = (slot, stream)
        limits = try SlotCatalog.limits(session)
        position = slot.confirmedFlushLSN ?? slot.restartLSN ?? limits.walEnd
        bytes = position.distance(to: limits.walEnd)
        guard bytes > 0 else {
            (seconds, secondsFrom) = (0, .nothing)
            return
        }
        note(slot.holder?.flushLagSeconds, of: .walsender)
        note(try LagClock.checkpoint(session, behind: position), of: .checkpoint)
        note(try LagClock.walFile(session, of: position, end: limits.walEnd), of: .walFile)
    }

    /// Adds what another clock says.
    public mutating func note(_ age: Double?, of clock: Clock) {
        guard bytes > 0, let age, age > seconds ?? -.infinity else { return }
        (seconds, secondsFrom) = (max(age, 0), clock)
    }
}

/// How old WAL is at least, by what any server tells.
private enum LagClock {
    static func checkpoint(_ session: Session, behind position: LSN) throws -> Double? {
        try session.query(
            """
            select extract(epoch from pg_catalog.clock_timestamp() - checkpoint_time) as age
            from pg_catalog.pg_control_checkpoint() where redo_lsn > $1::pg_catalog.pg_lsn
            """, with: ["\(position)"]
        ).firstRecord?.double("age")
    }

    /// Files that are made for later have names behind the end; the one at the end still changes.
    static func walFile(_ session: Session, of position: LSN, end: LSN) throws -> Double? {
        let row = try session.query(
            """
            select pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as bytes,
              pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute') as may_list
            """
        ).onlyRecord()
        let bytes = try row.value(of: "bytes", as: "the size of a WAL file") {
            UInt64($0).flatMap { $0 > 0 ? $0 : nil }
        }
        guard try row.bool("may_list"),
            position.rawValue / bytes < end.rawValue / bytes
        else { return nil }
        // The part of a file's name behind its timeline.
        let number = position.rawValue / bytes
        let perID = (UInt64(1) << 32) / bytes
        let name = [number / perID, number % perID].map { part in
            let digits = String(part, radix: 16, uppercase: true)
            return String(repeating: "0", count: max(8 - digits.count, 0)) + digits
        }.joined()
        return try session.query(
            """
            select extract(epoch from pg_catalog.clock_timestamp() - modification) as age
            from pg_catalog.pg_ls_waldir() where pg_catalog.right(name, 16) = $1
              and pg_catalog.length(name) = 24 order by name desc limit 1
            """, with: [name]
        ).firstRecord?.double("age")
    }
}
