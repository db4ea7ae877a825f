internal import Foundation
internal import LeatCore
internal import PGClient
internal import PGWire

enum SourceEnd {
    /// The end of the source's WAL, taken so that it covers every commit that is visible now:
    /// an asynchronous one is flushed only a moment later.
    static func flushed(_ session: Session) throws -> LSN {
        let deadline = ContinuousClock.now + .seconds(5)
        let inserted = try position("pg_current_wal_insert_lsn", session)
        while true {
            let flushed = try position("pg_current_wal_flush_lsn", session)
            // At a page's start the insert position is already behind the page's header.
            let isCovered = flushed.rawValue + pageHeader >= inserted.rawValue
            if isCovered || ContinuousClock.now >= deadline { return flushed }
            try session.query("select pg_catalog.pg_sleep(0.02)")
        }
    }

    private static let pageHeader: UInt64 = 40

    private static func position(_ function: String, _ session: Session) throws -> LSN {
        try session.query("select pg_catalog.\(function)()").scalar.flatMap(LSN.init) ?? .zero
    }
}

extension PostgresTimestamp {
    static var now: PostgresTimestamp {
        PostgresTimestamp(unixMicroseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
