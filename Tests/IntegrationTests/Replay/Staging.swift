import Foundation
import LeatTestSupport
import Testing

/// An archive of a pair's source, and databases that it is played into.
struct Staging {
    let pair: Pair
    let archive: String

    /// Runs `body` with a pair whose tables are on the source alone, or on both sides.
    static func with(
        _ version: PostgresVersion = .v15, schema: String, onTarget: Bool = true,
        rows: String = "", _ body: (Staging) async throws -> Void
    ) async throws {
        try await Pair.with(.init(version, version)) { pair in
            try await pair.onSource(schema)
            if onTarget { try await pair.onTarget(schema) }
            try await pair.onSource(rows)
            let staging = Staging(
                pair: pair, archive: pair.archive)
            defer { try? FileManager.default.removeItem(atPath: staging.archive) }
            try await body(staging)
        }
    }

    // MARK: Recording

    private func recordArguments(_ options: [String]) -> [String] {
        [
            "record", "--source", pair.source.conninfo(database: pair.database), "--stream",
            pair.stream, "--state-dir", pair.stateDirectory, "--archive", archive,
            "--status-interval", "200ms", "--pg-dump",
            pair.source.installation.program("pg_dump"),
        ] + options
    }

    func startRecording(_ options: String...) throws -> LeatProcess {
        try startRecording(options)
    }

    func startRecording(_ options: [String]) throws -> LeatProcess {
        try LeatProcess(recordArguments(options))
    }

    /// Records up to this moment of the source.
    func record(
        _ options: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await record(options, sourceLocation: sourceLocation)
    }

    func record(
        _ options: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await pair.leat(recordArguments(options + ["--endpos", "now"]))
        #expect(outcome.exitCode == 0, "\(outcome.log)", sourceLocation: sourceLocation)
    }

    /// The end of the source's WAL.
    func now() async throws -> String {
        try await pair.sourceValue("select pg_current_wal_insert_lsn()") ?? ""
    }

    // MARK: Replaying

    func replayArguments(_ options: [String], into database: String? = nil) -> [String] {
        [
            "replay", "--archive", archive, "--stream", pair.stream, "--target",
            pair.target.conninfo(database: database ?? pair.database),
        ] + options
    }

    func startReplay(
        _ options: String..., into database: String? = nil, failPoint: String? = nil
    ) throws -> LeatProcess {
        try LeatProcess(
            replayArguments(options, into: database),
            environment: failPoint.map { ["LEAT_FAILPOINT": $0] } ?? [:])
    }

    /// Replays to the end of it, and expects this exit code.
    @discardableResult
    func replay(
        _ options: String..., into database: String? = nil, exitCode: Int32 = 0,
        failPoint: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Pair.Outcome {
        try await replay(
            options, into: database, exitCode: exitCode, failPoint: failPoint,
            sourceLocation: sourceLocation)
    }

    @discardableResult
    func replay(
        _ options: [String], into database: String? = nil, exitCode: Int32 = 0,
        failPoint: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Pair.Outcome {
        let outcome = try await pair.leat(
            replayArguments(options, into: database),
            environment: failPoint.map { ["LEAT_FAILPOINT": $0] } ?? [:])
        #expect(
            outcome.exitCode == exitCode, "\(failPoint ?? "") \(outcome.log)",
            sourceLocation: sourceLocation)
        return outcome
    }

    /// Replays to the end. At each stop it runs on the target what the log says to run there.
    ///
    /// - Parameter missing: What makes a table that the log calls missing, by its name.
    /// - Returns: How often it stopped.
    @discardableResult
    func replayMending(
        _ options: String..., into database: String? = nil, missing: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        for stops in 0..<20 {
            let outcome = try await pair.leat(replayArguments(options, into: database))
            if outcome.exitCode == 0 { return stops }
            let log = outcome.log
            let statements =
                missing.first { log.contains("\($0.key) is missing") }.map { [$0.value] }
                ?? Pair.statements(in: log)
            guard [6, 7].contains(outcome.exitCode), !statements.isEmpty else {
                throw TestSupportError("replay ended with \(outcome.exitCode)\n\(log)")
            }
            try await pair.target.sql(
                statements.joined(separator: " "), database: database ?? pair.database)
        }
        throw TestSupportError("replay stops again and again")
    }

    /// `leat archive ...`.
    @discardableResult
    func inspect(
        _ command: String, _ options: String..., exitCode: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Pair.Outcome {
        let outcome = try await pair.leat(["archive", command, archive] + options)
        #expect(outcome.exitCode == exitCode, "\(outcome.log)", sourceLocation: sourceLocation)
        return outcome
    }

    // MARK: Judging

    func sourceHash() async throws -> [String: TableHash] {
        try await pair.source.databaseHash(pair.database)
    }

    func targetHash(_ database: String? = nil) async throws -> [String: TableHash] {
        try await pair.target.databaseHash(database ?? pair.database)
    }

    /// The files of the archive's segments, oldest first.
    func segments() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: archive + "/segments").sorted()
            .map { "\(archive)/segments/\($0)" }
    }
}

/// Tables in which lost and repeated changes show, and statements for them.
enum Mixed {
    static let schema = """
        create table keyed (id int primary key, v int not null, note text);
        create table whole (id int, v int);
        create index on whole (id);
        alter table whole replica identity full;
        create table journal (n bigserial primary key, note text);
        create type mood as enum ('sad', 'glad');
        create table pairs (a int, b text, m mood, big text, primary key (a, b));
        alter table pairs alter big set storage external;
        """

    static let rows = """
        insert into keyed select i, i, md5(i::text) from generate_series(1, 3000) i;
        insert into whole select i % 300, 0 from generate_series(1, 600) i;
        insert into journal (note) select repeat('j', i % 100) from generate_series(1, 500) i;
        insert into pairs select i, 'b' || i, 'sad', repeat(md5(i::text), 100)
          from generate_series(1, 100) i;
        """

    /// One round of changes of every kind, some hundred transactions.
    static func load(_ round: Int) -> String {
        """
        do $$ begin
          for i in 1..100 loop
            insert into keyed values (\(round) * 10000 + i, i, 'new')
              on conflict (id) do update set v = excluded.v;
            update keyed set v = v + 1 where id % 100 = i % 100 and id < 3000;
            insert into journal (note) values ('round \(round)');
            update whole set v = v + 1
              where ctid = (select ctid from whole where id = i limit 1);
            commit;
            delete from keyed where id = \(round) * 300 + i;
            update pairs set m = case when i % 2 = 0 then 'sad'::mood else 'glad' end where a = i;
            update pairs set b = b || 'x' where a = i;
            commit;
            begin
              insert into keyed values (99999, 0, 'gone');
              raise exception 'rolled back';
            exception when others then null;
            end;
            perform txid_current();
            commit;
          end loop;
        end $$
        """
    }
}
