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
}
