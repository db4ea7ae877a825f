import LeatTestSupport
import Testing

/// Transactions that stay open on the source until the test lets them go on.
extension StreamFixture {
    /// With a table whose rows open the gates at which transactions wait.
    static let gatedTables = loadTables + "create table gate (id int primary key);"

    /// On shared servers, for transactions that end soon. The source streams those of more than
    /// 64 kB.
    static func streaming(_ version: PostgresVersion = .v15) async throws -> StreamFixture {
        let stream = try await StreamFixture(version, tables: loadTables)
        try await stream.source.sql(
            "alter database \(stream.database) set logical_decoding_work_mem = '64kB'")
        return stream
    }

    /// On servers of their own, for whoever makes a slot waits for open transactions.
    static func withGates(
        _ version: PostgresVersion = .v15, target: TemporaryCluster.Options = .init(),
        _ body: (StreamFixture) async throws -> Void
    ) async throws {
        var source = TemporaryCluster.Options()
        source.settings = ["logical_decoding_work_mem": "64kB"]
        try await withOwnServers(
            version, source: source, target: target, tables: gatedTables, body)
    }

    /// SQL that waits within a transaction until ``openGate(_:)``.
    static func wait(atGate number: Int) -> String {
        """
        do $$ begin
          while not exists (select from gate where id = \(number)) loop
            perform pg_sleep(0.02);
          end loop;
        end $$;
        """
    }

    func openGate(_ number: Int) async throws {
        try await source.sql("insert into gate values (\(number))", database: database)
    }

    /// Waits until `count` transactions of the source wait at gates.
    func waitUntilAtGate(_ count: Int = 1) async throws {
        try await source.waitUntil(
            sql: """
                select count(*) from pg_stat_activity
                where datname = '\(database)' and query ~ '^do .*from gate' and state = 'active'
                """, equals: "\(count)")
    }

    private var sides: String {
        """
        from pg_locks l join pg_database d on d.oid = l.database
        join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.classid = 1818583413 and d.datname = '\(database)'
        """
    }

    /// Waits until so many transactions are applied that have not committed on the source.
    func waitUntilInProgress(_ count: Int = 1) async throws {
        try await target.waitUntil(
            sql: "select count(*) \(sides) and a.backend_xid is not null", equals: "\(count)")
    }

    /// The backend of one of them.
    func backendInProgress() async throws -> Int32? {
        try await target.scalar("select l.pid \(sides) limit 1").flatMap { Int32($0) }
    }

    /// Backends end a moment after their clients.
    func waitUntilNothingInProgress() async throws {
        try await target.waitUntil(sql: "select count(*) \(sides)", equals: "0")
    }
}
