internal import Foundation
internal import LeatCore
package import PGClient
package import PGWire

package enum SourceEnd {
    /// The end of the source's WAL, taken so that it covers every commit that is visible now:
    /// an asynchronous one is flushed only a moment later. What a transaction has written that is
    /// still open nobody flushes; it is not waited for.
    package static func flushed(_ session: Session) throws -> LSN {
        let inserted = try position(by: "pg_current_wal_insert_lsn", on: session)
        let patience = try patience(session)
        var (flushed, deadline) = (LSN.zero, ContinuousClock.now)
        while true {
            let now = try position(by: "pg_current_wal_flush_lsn", on: session)
            if now > flushed { deadline = .now + patience }
            flushed = now
            // At a page's start the insert position is already behind the page's header.
            let isCovered = flushed.distance(to: inserted) <= Int(pageHeader)
            if isCovered || ContinuousClock.now >= deadline { return flushed }
            try session.query("select pg_catalog.pg_sleep(0.02)")
        }
    }

    /// The WAL writer is woken by an asynchronous commit, and has flushed it after three rounds.
    private static func patience(_ session: Session) throws -> Duration {
        let delay = try session.query(
            """
            select setting::pg_catalog.int8 from pg_catalog.pg_settings
            where name = 'wal_writer_delay'
            """
        ).int()
        return max(.seconds(1), .milliseconds(delay * 4))
    }

    /// The same without a wait, on a server that takes writes: a commit of our own flushes all that was
    /// inserted before it. It waits for no standby, which may be waiting for us.
    package static func flushing(_ session: Session) throws -> LSN {
        try session.transaction {
            try session.execute("set local synchronous_commit = local")
            try session.query("select pg_catalog.pg_current_xact_id()")
        }
        return try position(by: "pg_current_wal_flush_lsn", on: session)
    }

    /// How far the WAL is flushed; of a standby, replayed. A walsender sends nothing behind it.
    package static func written(_ session: Session) throws -> LSN? {
        try session.query(
            """
            select case when pg_catalog.pg_is_in_recovery()
              then pg_catalog.pg_last_wal_replay_lsn()
              else pg_catalog.pg_current_wal_flush_lsn() end
            """
        ).optionalLSN()
    }

    /// Just past the last record that is complete and flushed now; of a standby, replayed.
    package static func complete(_ session: Session) throws -> LSN {
        let replayed = try session.query(
            """
            select case when pg_catalog.pg_is_in_recovery()
              then pg_catalog.pg_last_wal_replay_lsn() end
            """
        ).optionalLSN()
        let end = try replayed ?? flushed(session)
        // At a page's start it lies behind the page's header, where no record ends yet. If it is
        // the end of a record that began on the page before, nothing is lost either: no position
        // of the walsender lies within a record.
        let offset = end.rawValue % 8192
        return [24, 40].contains(offset) ? LSN(rawValue: end.rawValue - offset) : end
    }

    /// Nothing but a page's header lies between the two.
    package static func isWithinHeader(_ lsn: LSN, after end: LSN) -> Bool {
        end.rawValue % 8192 == 0 && lsn > end && end.distance(to: lsn) <= Int(pageHeader)
    }

    private static let pageHeader: UInt64 = 40

    private static func position(by function: String, on session: Session) throws -> LSN {
        try session.query("select pg_catalog.\(function)()").lsn()
    }
}

extension PostgresTimestamp {
    package static var now: PostgresTimestamp {
        PostgresTimestamp(unixMicroseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
