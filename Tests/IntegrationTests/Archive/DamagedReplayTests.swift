import Foundation
import LeatArchive
import LeatTestSupport
import PGWire
import Testing

/// Archives that are damaged in one place each: a replay brings a state that the source had, goes
/// no further than the damage, and says where it is. `LEAT_DAMAGES` (40) is their number;
/// `LEAT_SEED` repeats a run's.
@Suite("Replaying what is damaged")
struct DamagedReplayTests {
    private static let count =
        ProcessInfo.processInfo.environment["LEAT_DAMAGES"].flatMap { Int($0) } ?? 40

    /// After each transaction the source notes what its tables hold.
    private static let load = """
        create or replace function state() returns text language sql as $$
          select md5(coalesce(string_agg(t, ',' order by t), '')) from (
            select 'account' || a::text from account a
            union all select 'ledger' || l::text from ledger l
            union all select 'loose' || l::text from loose l) all_rows (t)
        $$;
        insert into states values (0, state());
        do $$ begin
          for i in 1..100 loop
            if i <= 10 then insert into account values (i, 0); end if;
            insert into ledger values (i, repeat(md5(i::text), 5));
            update account set v = i where id = i % 10 + 1;
            update ledger set n = -n where n = i - 5;
            delete from ledger where n = -(i - 9);
            if i % 30 = 0 then
              insert into loose select g, md5(g::text) from generate_series(1, 900) g;
            elsif i % 30 = 15 then
              delete from loose where n > 10;
            end if;
            insert into states values (i, state());
            commit;
            perform pg_sleep(0.02);
          end loop;
        end $$;
        """

    private static let schema = """
        create table account (id int primary key, v int);
        create table ledger (n int primary key, note text);
        create table loose (n int, note text);
        alter table loose replica identity full;
        """

    private static let state = """
        select md5(coalesce(string_agg(t, ',' order by t), '')) from (
          select 'account' || a::text from account a
          union all select 'ledger' || l::text from ledger l
          union all select 'loose' || l::text from loose l) all_rows (t)
        """

    private static let options = ["--exclude", "public.states", "--segment-size", "8kB"]

    private func with(_ body: (Staging) async throws -> Void) async throws {
        try await Staging.with(schema: Self.schema) { staging in
            try await staging.pair.source.sql(
                """
                alter database \(staging.pair.database) set logical_decoding_work_mem = '64kB'
                """)
            try await staging.pair.onSource("create table states (n int primary key, state text)")
            try await body(staging)
        }
    }

    @Test("a state that the source had, no further than the damage, which is named")
    func segments() async throws {
        try await with { staging in
            let recorder = try staging.startRecording(Self.options)
            try await recorder.waitForOutput(containing: "recording")
            try await staging.pair.source.run(
                script: Self.load, database: staging.pair.database)
            #expect(try await recorder.terminate() == 0)
            try await staging.record(Self.options)
            let states = try await staging.pair.onSource("select state from states").map { $0[0] }
            let archive = try ArchiveFiles(staging.archive)
            #expect(archive.frames.count > 8 && archive.segments.count > 1)
            var random = SeededGenerator(seed: SeededGenerator.printedSeed())
            var seen: Set<String?> = []

            for number in 0..<Self.count {
                let damage = try archive.damage(using: &random)
                try archive.write(damage.files)
                let found = try await expectRefusal(staging, damage, "\(number): \(damage.what)")
                #expect(states.contains(found), "\(damage.what): no state of the source")
                seen.insert(found)
                guard number.isMultiple(of: 10) else { continue }
                try await staging.inspect("verify", exitCode: 5)
                // Mended, it goes on from there.
                try archive.write(archive.whole)
                try await staging.replay("--no-copy")
                #expect(try await staging.targetHash() == staging.sourceHash(but: "states"))
            }
            // What is before the damage is applied.
            #expect(seen.count > min(Self.count / 4, 8), "\(seen.count) states")
        }
    }

    /// - Returns: What the target holds.
    private func expectRefusal(
        _ staging: Staging, _ damage: Damage, _ what: String
    ) async throws -> String? {
        try await staging.pair.onTarget(
            "drop schema if exists leat cascade; truncate account, ledger, loose")
        let outcome = try await staging.pair.leat(staging.replayArguments(["--no-copy"]))
        #expect(outcome.exitCode == 3, "\(what): \(outcome.log)")
        // Of a header of another version nothing else is known, not even how it is proved.
        let isTold = ["is damaged: ", "which only a newer Leat knows"]
            .contains(where: outcome.log.contains)
        #expect(isTold, "\(what): \(outcome.log)")
        let isNamed =
            outcome.log.contains(
                #/segment [0-9A-F]{16}\.leat( at byte [0-9]+:| is missing|: .* ends at byte [0-9]+)/#
            )
            || outcome.log.contains("the file \"position\" is damaged")
        #expect(isNamed, "\(what): \(outcome.log)")
        if let place = damage.place {
            #expect(outcome.log.contains(place), "\(what): \(outcome.log)")
        }
        // A start that was refused at once has made no table of positions.
        let isBegun = try await staging.pair.targetValue(
            "select to_regclass('leat.progress') is not null")
        if isBegun == "t", let limit = damage.limit {
            let end = try await staging.pair.targetValue("select max(end_lsn) from leat.progress")
            #expect(end.flatMap { LSN($0) } ?? .zero <= limit, "\(what)")
        }
        return try await staging.pair.targetValue(Self.state)
    }

    @Test("a base that is damaged is found before it counts")
    func bases() async throws {
        try await with { staging in
            try await staging.pair.source.run(
                script: Self.load.replacing("pg_sleep(0.02)", with: "1"),
                database: staging.pair.database)
            try await staging.record(Self.options + ["--with-base"])
            let point = try #require(try ArchiveFolder(staging.archive).bases().first).lsn
            let folder = ArchiveFolder(staging.archive).basePath(point)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names.count == 5)
            let whole = try names.map { try Data(contentsOf: .init(filePath: "\(folder)/\($0)")) }
            let expected = try await staging.pair.onSource("select state from states").last?[0]
            var random = SeededGenerator(seed: SeededGenerator.printedSeed())

            for number in 0..<max(names.count * 2, Self.count / 2) {
                let index = number % names.count
                var bytes = whole[index]
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if random.once(in: 4) {
                    bytes = bytes.prefix(place)
                } else {
                    bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
                let what = "byte \(place) of \(names[index])"
                try bytes.write(to: .init(filePath: "\(folder)/\(names[index])"))
                try await staging.pair.onTarget(
                    """
                    drop schema if exists leat cascade;
                    drop schema public cascade; create schema public
                    """)
                let outcome = try await staging.pair.leat(staging.replayArguments(["--schema"]))
                #expect(outcome.exitCode == 3, "\(what): \(outcome.log)")
                #expect(outcome.log.contains("is damaged: "), "\(what): \(outcome.log)")
                try await staging.inspect("verify", exitCode: 5)
                try whole[index].write(to: .init(filePath: "\(folder)/\(names[index])"))
                guard number < names.count else { continue }
                // Mended, it goes on with what is not there yet.
                try await staging.replay("--schema")
                #expect(try await staging.pair.targetValue(Self.state) == expected, "\(what)")
            }
        }
    }
}

extension Staging {
    fileprivate func sourceHash(but table: String) async throws -> [String: TableHash] {
        var hashes = try await sourceHash()
        hashes["public.\(table)"] = nil
        return hashes
    }
}
