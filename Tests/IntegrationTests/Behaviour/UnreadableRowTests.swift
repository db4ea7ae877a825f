import LeatTestSupport
import Testing

@Suite("Rows of schema leat that cannot be read")
struct UnreadableRowTests {
    /// It was 0/0 then, and so the beginning of the source's WAL.
    @Test("a position that is gone ends sync and status with 4, and names the column")
    func position() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            #expect(try await pair.sync("--endpos", "now").exitCode == 0)
            try await pair.onTarget(
                """
                alter table leat.progress alter end_lsn drop not null;
                update leat.progress set end_lsn = null
                """)

            let target = ["--target", pair.target.conninfo(database: pair.database)]
            for command in [["sync"] + pair.places, ["status"] + target] {
                let outcome = try await pair.leat(command)

                #expect(outcome.exitCode == 4, "\(outcome.log)")
                #expect(
                    outcome.text.contains("Cannot read column \"end_lsn\" of \"select"),
                    "\(outcome.text)")
            }
        }
    }

    private struct Damage {
        var table: String
        var column: String
        /// SQL; of what the column cannot hold by itself, with what lets it.
        var value: String
        var command = ["sync"]
        var exitCode: Int32 = 4

        var sql: String {
            """
            alter table leat.\(table) alter \(column) drop not null;
            update leat.\(table) set \(column) = \(value)
            """
        }
    }

    /// Each was nothing then: no such column, no definition, no publication. A list of publications
    /// is shown without what a target knows, and says so.
    private static let damages = [
        Damage(table: "tables", column: "column_numbers", value: "'{1 x id}'"),
        Damage(
            table: "tables", column: "column_numbers", value: "'{-9223372036854775808 1 id}'"),
        Damage(table: "tables", column: "definition", value: "'{file 1}'"),
        Damage(table: "tables", column: "membership", value: "null"),
        Damage(
            table: "progress", column: "publications", value: "null",
            command: ["publication", "list"], exitCode: 0),
        Damage(
            table: "progress", column: "slot", value: "null", command: ["publication", "list"],
            exitCode: 0),
    ]

    @Test("what else is damaged is no default either, and is not repaired by a start")
    func damaged() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            #expect(try await pair.sync("--endpos", "now").exitCode == 0)
            for damage in Self.damages {
                let kept = "kept_\(damage.table)"
                try await pair.onTarget("create table \(kept) as table leat.\(damage.table)")
                try await pair.onTarget(damage.sql)
                let count = damage.exitCode == 4 ? 8 : 4

                let outcome = try await pair.leat(damage.command + pair.places.prefix(count))

                #expect(outcome.exitCode == damage.exitCode, "\(damage): \(outcome.text)")
                #expect(
                    outcome.text.contains("Cannot read column \"\(damage.column)\" of \"select"),
                    "\(damage): \(outcome.text)")
                try await pair.onTarget(
                    """
                    truncate leat.\(damage.table);
                    insert into leat.\(damage.table) select * from \(kept);
                    drop table \(kept)
                    """)
            }
            #expect(try await pair.sync("--endpos", "now").exitCode == 0)
        }
    }
}
