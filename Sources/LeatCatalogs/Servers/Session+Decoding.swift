internal import LeatCore
package import PGClient

extension Session {
    /// - Throws: ``Halt`` if the source cannot decode its WAL, or has no slot left.
    package func checkDecoding(needsSlot: Bool, takesStandbys: Bool = false) throws {
        let row = try query(
            """
            select pg_catalog.current_setting('wal_level') as wal_level,
              pg_catalog.pg_is_in_recovery() as is_standby,
              pg_catalog.current_setting('max_replication_slots') as most,
              (select pg_catalog.count(*) from pg_catalog.pg_replication_slots) as taken
            """
        ).onlyRecord()
        let slots = try row.int("most")
        guard try row.text("wal_level") == "logical" else {
            throw Halt(
                .preflight, "The source's wal_level is not logical.",
                advice: "On the source: alter system set wal_level = 'logical'; then restart it.")
        }
        // A stream asks for the end of the server's own WAL, which a standby has not.
        let mayStandBy = takesStandbys && serverVersion >= 160_000
        guard try mayStandBy || !row.bool("is_standby") else {
            throw Halt(
                .preflight, "The source is a standby.", advice: "Use its primary as the source.")
        }
        guard try !needsSlot || row.int("taken") < slots else {
            throw Halt(
                .preflight, "The source has no free replication slot.",
                advice: """
                    On the source, and then restart it: alter system set max_replication_slots = \
                    \(slots + 10);
                    Or drop one that nobody needs: select slot_name, database, active from \
                    pg_catalog.pg_replication_slots;
                    """)
        }
    }
}
