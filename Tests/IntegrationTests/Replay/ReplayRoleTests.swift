import Foundation
import LeatTestSupport
import Testing

@Suite("Replaying under a role that foreign keys are checked for")
struct ReplayRoleTests {
    @Test(
        "in their order, there and back; nothing that refers to the tables from elsewhere is lost")
    func rewinds() async throws {
        try await TargetRole.with(
            schema: PlainRoleTests.schema, rows: PlainRoleTests.rows
        ) { pair, role in
            let staging = Staging(pair: pair, archive: pair.archive)
            let plain = Array(role.places.suffix(2))
            try await staging.record("--with-base")
            try await pair.source.run(script: PlainRoleTests.changes, database: pair.database)
            try await staging.record()
            let end = try await staging.sourceHash()

            let first = try await staging.replay(plain)
            #expect(first.log.contains("role plain"))
            #expect(try await staging.targetHash() == end)
            try await staging.replay(plain + ["--rewind", "--yes"])
            #expect(try await staging.targetHash() == end)

            // TRUNCATE refuses what others refer to; DELETE minds the order, and their rows.
            try await pair.onTarget(
                "create table mine (shop int references shop); insert into mine values (null)")
            try await staging.replay(plain + ["--rewind", "--yes"])
            #expect(try await staging.targetHash().merging(end) { $1 } == staging.targetHash())
            try await pair.onTarget("insert into mine values (17)")
            let held = try await staging.replay(plain + ["--rewind", "--yes"], exitCode: 4)
            #expect(held.log.contains("cannot be emptied") && held.log.contains("mine_shop_fkey"))
            #expect(!held.log.contains("17)"), "\(held.log)")
            #expect(try await pair.targetValue("select count(*) > 20 from shop") == "t")

            // What would go with them is not the stream's to remove.
            try await pair.onTarget(
                """
                alter table mine drop constraint mine_shop_fkey,
                  add foreign key (shop) references shop on delete cascade
                """)
            let refused = try await staging.replay(plain + ["--rewind", "--yes"], exitCode: 6)
            #expect(refused.log.contains("mine_shop_fkey of public.mine"))
            #expect(try await pair.targetValue("select count(*) from mine") == "2")
            try await pair.onTarget("drop table mine")
            try await staging.replay(plain + ["--rewind", "--yes"])
            #expect(try await staging.targetHash() == end)
        }
    }
}
