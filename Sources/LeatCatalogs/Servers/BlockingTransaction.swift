internal import LeatCore
package import PGClient

/// A transaction that somebody waits for.
public struct BlockingTransaction: Sendable, Codable, Equatable {
    /// Nil for one that was prepared: no session has it.
    public var pid: Int?
    /// Of a prepared one.
    public var gid: String?
    public var application: String?
    public var role: String?
    public var database: String?
    /// As in `pg_stat_activity`; nil where the role may not see it, as age and query.
    public var state: String?
    public var ageSeconds: Double?
    /// Without its constants, unless values are shown.
    public var query: String?

    /// For whom a backend waits now.
    ///
    /// - Parameter backend: A condition on `pg_stat_activity w`.
    package static func read(
        _ session: Session, holdingUp backend: String, showsValues: Bool
    ) throws -> [BlockingTransaction] {
        try session.query(
            """
            select nullif(b.pid, 0) as pid, p.gid, nullif(a.application_name, '') as application,
              coalesce(a.usename, p.owner) as role, coalesce(a.datname, p.database) as database,
              a.state, extract(epoch from pg_catalog.clock_timestamp()
                - coalesce(a.xact_start, p.prepared)) as age,
              nullif(a.query, '<insufficient privilege>') as query
            from pg_catalog.pg_stat_activity w
            cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b (pid)
            left join pg_catalog.pg_stat_activity a on a.pid = b.pid
            left join pg_catalog.pg_locks l on b.pid = 0 and l.pid = w.pid and not l.granted
              and l.locktype = 'transactionid'
            left join pg_catalog.pg_prepared_xacts p on p.transaction = l.transactionid
            where \(backend)
            """
        ).records.map { row in
            BlockingTransaction(
                pid: try row.optionalInt("pid"), gid: try row.optionalText("gid"),
                application: try row.optionalText("application"),
                role: try row.optionalText("role"), database: try row.optionalText("database"),
                state: try row.optionalText("state"), ageSeconds: try row.optionalDouble("age"),
                query: try row.optionalText("query").map {
                    showsValues ? QueryText.plain($0) : QueryText.withoutValues($0)
                })
        }
    }
}

extension BlockingTransaction: CustomStringConvertible {
    /// `pid 4711 (psql, shop_owner, shop), idle in transaction, for 2 h 3 min: update t set v = ?`
    public var description: String {
        let who =
            pid.map { "pid \($0)" } ?? gid.map { "prepared transaction \($0)" } ?? "somebody"
        let names = [application, role, database].compactMap { $0 }
        let parts = [
            names.isEmpty ? who : "\(who) (\(names.joined(separator: ", ")))", state,
            ageSeconds.map { "for \(Units.duration(seconds: $0))" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ") + (query.map { ": \($0)" } ?? "")
    }
}
