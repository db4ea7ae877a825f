import Foundation
import LeatTestSupport
import Testing

/// What changes rows of the source and is never sent: a recorder stops at it, an archive tells of
/// it, and a new base makes up for it.
@Suite("Rows that change without being recorded")
struct RecordedRewriteTests {
    private static let upper = "alter table s.t alter v type text using upper(v)"

    private func with(onTarget: Bool = true, _ body: (Staging) async throws -> Void) async throws {
        try await Staging.with(
            .v16, schema: RewriteTests.schema, onTarget: onTarget, rows: RewriteTests.rows, body)
    }

    private func files(_ staging: Staging, _ name: String) throws -> String {
        try String(contentsOfFile: "\(staging.archive)/\(name)", encoding: .utf8)
    }

    @Test(
        "stop a recorder, which goes on with a new base and loses nothing",
        arguments: RewriteTests.rewrites)
    func stops(_ rewrite: RewriteTests.Rewrite) async throws {
        try await with(onTarget: false) { staging in
            let pair = staging.pair
            let options = try await RewriteTests.publish(rewrite, pair)
            try await staging.record(options + ["--with-base"])
            try await pair.onSource("update s.t set n = n + 1; insert into other values (1)")
            for statement in rewrite.sql { try await pair.onSource(statement) }
            try await pair.onSource("update s.t set n = n + 1 where id < 4")

            let stopped = try await pair.leat(
                pair.recording + options + ["--endpos", "now"])

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains(rewrite.words), "\(stopped.log)")
            let based = try await pair.runPrinted(
                "leat record", in: stopped.log, "--endpos", "now", "--pg-dump",
                pair.source.installation.program("pg_dump"))
            #expect(based.exitCode == 0, "\(based.log)")
            try await pair.onSource("update s.t set n = n + 1; insert into other values (2)")
            try await staging.record(options)
            try await staging.replay("--schema")
            try await RewriteTests.expectSame(pair)
        }
    }

    @Test(
        "are not suspected where nothing has changed, or a replay stops by itself",
        arguments: [
            ["vacuum full s.t"], ["cluster s.t using t_pkey"], ["truncate s.t", "truncate s.r"],
            ["begin; truncate s.t; insert into s.t (id) select generate_series(1, 99); commit"],
            ["alter table s.t drop n", "vacuum full"],
            ["vacuum full"], ["insert into s.r values (199, 'r')", "vacuum full"],
            ["alter table s.t alter n type bigint", "update s.t set n = n + 1", "vacuum full s.t"],
            [
                "alter table s.t add c text not null default 'filled'",
                "alter table s.t alter c drop default; vacuum full s.t",
                "update s.t set p = 8 where id < 4",
            ],
            ["alter table s.t rename v to w", "update s.t set w = 'w' where id < 4"],
        ])
    func harmless(_ statements: [String]) async throws {
        try await with { staging in
            let pair = staging.pair
            try await pair.onSource(
                "create publication pub for all tables with (publish_via_partition_root = true)")
            let options = ["--publication", "pub"]
            try await staging.record(options + ["--with-base"])
            for statement in statements {
                for part in statement.hasPrefix("begin")
                    ? [statement] : statement.split(separator: ";").map(String.init)
                {
                    try await pair.onSource(part)
                }
                try await staging.record(options)
            }
            let file = try files(staging, "definitions.json")
            #expect(file.contains("\"truncates\":[]"), "\(file)")
            try await staging.inspect("verify")
            try await staging.replayMending()
            guard !statements[0].contains(" drop n") else { return }
            try await RewriteTests.expectSame(pair)
        }
    }

    @Test(
        "are not suspected where truncates were recorded before a kill",
        arguments: [nil, "archive-synchronised"])
    func killed(_ failPoint: String?) async throws {
        try await with { staging in
            let pair = staging.pair
            try await pair.onSource("create publication pub for all tables")
            let options = ["--publication", "pub"]
            try await staging.record(options + ["--with-base"])
            let leat = try LeatProcess(
                pair.recording + options + ["--status-interval", "1min"],
                environment: failPoint.map { ["LEAT_FAILPOINT": $0] } ?? [:])
            try await leat.waitForOutput(containing: "recording archive=")
            let slot = "pg_replication_slots where slot_name = '\(pair.objectName)'"
            try await pair.onSource("truncate s.t; insert into s.t (id) values (1)")
            let end = try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? ""
            if failPoint == nil {
                try await pair.source.waitUntil(
                    sql: "select confirmed_flush_lsn >= '\(end)' from \(slot)")
                try await leat.kill()
            } else {
                #expect(try await leat.waitForExit() == 137, "\(leat.log)")
            }
            #expect(try files(staging, "definitions.json").contains("\"isRefilled\":true"))

            try await staging.record(options)

            #expect(try files(staging, "definitions.json").contains("\"truncates\":[]"))
            try await staging.replay()
            try await RewriteTests.expectSame(pair)
        }
    }

    @Test("are found by the end of a recording without a base, and by the watch beside one")
    func withoutBase() async throws {
        try await with { staging in
            let pair = staging.pair
            try await staging.record()
            let leat = try staging.startRecording()
            try await leat.waitForOutput(containing: "recording archive=")
            try await pair.onSource(Self.upper)
            #expect(try await leat.waitForExit() == 7, "\(leat.log)")
            #expect(leat.log.contains("--new-base"), "\(leat.log)")

            try await staging.record("--new-base")
            try await staging.replay()
            try await RewriteTests.expectSame(pair)
        }
    }

    @Test("are known from now on in an archive of an earlier version")
    func earlier() async throws {
        try await with { staging in
            try await staging.record()
            try FileManager.default.removeItem(atPath: staging.archive + "/definitions.json")
            try await staging.pair.onSource(Self.upper)
            try await staging.record()

            try await staging.pair.onSource(Self.upper)
            let stopped = try await staging.pair.record()

            #expect(stopped.exitCode == 7, "\(stopped.log)")
        }
    }

    @Test("are told by info and verify, and a replay ends before them unless told otherwise")
    func tells() async throws {
        try await with { staging in
            let pair = staging.pair
            try await staging.record("--with-base")
            try await pair.onSource("update s.t set n = n + 1")
            try await staging.record()
            let before = try await staging.sourceHash()
            try await pair.onSource(Self.upper)
            try await pair.onSource("update s.t set n = n + 1 where id < 4")
            #expect(try await pair.record().exitCode == 7)
            // Whatever becomes of what was known.
            try FileManager.default.removeItem(atPath: staging.archive + "/definitions.json")
            #expect(try await pair.record().exitCode == 7)

            let info = try await staging.inspect("info")
            #expect(info.output.contains("record a new base (--new-base): column v"))
            let verified = try await staging.inspect("verify", exitCode: 5)
            #expect(verified.output.contains("doubtful: table s.t from 0/"), "\(verified.output)")
            #expect(!verified.output.contains("whole"))

            for _ in 1...2 {
                let stopped = try await staging.replay(exitCode: 7)
                #expect(stopped.log.contains("other rows of table s.t"), "\(stopped.log)")
                #expect(try await staging.targetHash() == before)
            }
            let accepted = try await staging.replay("--accept-doubts")
            #expect(accepted.log.contains("may have other rows than the source"))

            // In the midst of it.
            try await staging.record("--with-base")
            let inMidst = try await staging.replay(exitCode: 7)
            #expect(inMidst.log.contains("--rewind --from-base"), "\(inMidst.log)")
            let after = try await staging.inspect("verify")
            #expect(after.output.contains("whole, but for what is doubtful"), "\(after.output)")
            try await pair.onSource("update s.t set n = n + 1")
            try await staging.record()
            try await staging.replay("--rewind", "--yes")
            try await RewriteTests.expectSame(pair)

            let copy = staging.archive + "-copy"
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try await staging.inspect("copy", copy)
            let told = try await pair.leat(["archive", "info", copy])
            #expect(told.output.contains("to base 0/"), "\(told.output)")
        }
    }

    @Test("are doubtful in a table that was unlogged, or not published, when it was looked")
    func away() async throws {
        try await with { staging in
            let pair = staging.pair
            try await pair.onSource("create publication pub for all tables")
            let options = ["--publication", "pub"]
            try await staging.record(options + ["--with-base"])
            try await pair.onSource("alter table s.t set unlogged; update s.t set n = 5")
            try await staging.record(options)
            try await staging.record(options)
            try await pair.onSource("alter table s.t set logged")

            let stopped = try await pair.leat(pair.recording + options + ["--endpos", "now"])

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            try await staging.record(options + ["--new-base"])
            try await staging.replay()
            try await RewriteTests.expectSame(pair)
        }
    }
}
