import Foundation
import LeatTestSupport
import Testing

/// Transactions that are applied while they are in progress on the source.
@Suite("Transactions in progress", .serialized)
struct InProgressTests {
    /// Of each worker, in a range of its own.
    private static func script(_ worker: Int, end: String) -> String {
        let base = worker * 100_000
        return """
            begin;
            update keyed set note = 'first' where id between \(worker * 500) and \(worker * 500 + 400);
            insert into keyed select i, 0, 'a' from generate_series(\(base) + 1, \(base) + 25000) i;
            savepoint a;
            update keyed set v = v + 1 where id between \(base) + 1 and \(base) + 1500;
            savepoint b;
            delete from keyed where id between \(base) + 1 and \(base) + 500;
            insert into keyed select i, 1, 'b' from generate_series(\(base) + 40001, \(base) + 41000) i;
            rollback to b;
            insert into whole select \(worker), i from generate_series(1, 500) i;
            release a;
            savepoint c;
            insert into keyed select i, 2, 'c' from generate_series(\(base) + 60001, \(base) + 62000) i;
            savepoint inner_c;
            truncate gone;
            insert into journal select \(worker), i, 'gone' from generate_series(1, 1000) i;
            release inner_c;
            \(StreamFixture.wait(atGate: 1))
            rollback to c;
            insert into journal select \(worker), i, 'd' from generate_series(1, 2000) i;
            savepoint d;
            savepoint e;
            update keyed set note = 'e' where id between \(base) + 1 and \(base) + 1000;
            release e;
            insert into keyed select i, 2, 'c' from generate_series(\(base) + 60001, \(base) + 60500) i;
            rollback to d;
            update keyed set v = 99 where id between \(base) + 500 and \(base) + 2000;
            delete from whole where id = \(worker) and v > 100;
            \(StreamFixture.wait(atGate: 2))
            update keyed set v = 100 where id between \(base) + 1 and \(base) + 2000;
            \(end);
            """
            // Only one of them can hold its lock.
            .replacing("truncate gone;", with: worker == 1 ? "truncate gone;" : "")
    }

    /// Five at once, for which there are three sessions.
    @Test(
        "interleaved, nested and rolled back in part, between small ones",
        arguments: [(PostgresVersion.v15, "auto"), (.v18, "plain")])
    func interleaved(_ version: PostgresVersion, _ role: String) async throws {
        try await StreamFixture.withGates(version) { stream in
            for side in [stream.source, stream.target] {
                try await side.sql(
                    "create table gone (id int primary key)", database: stream.database)
            }
            try await stream.source.sql("insert into gone values (1)", database: stream.database)
            try await stream.fill()
            let leat = try stream.start("--role", role)
            try await stream.waitUntilStreaming()

            try await stream.watchingPositions {
                try await stream.source.sql(
                    "update keyed set note = 'before' where id < 4000", database: stream.database)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 1...5 {
                        let script = Self.script(worker, end: worker == 2 ? "rollback" : "commit")
                        group.addTask {
                            try await stream.source.run(script: script, database: stream.database)
                        }
                    }
                    try await stream.waitUntilAtGate(5)
                    try await stream.waitUntilInProgress(3)
                    try await stream.source.sql(
                        """
                        insert into keyed select i, 7, 'small' from generate_series(900000, 900100) i;
                        update keyed set v = 8 where id between 4500 and 4600
                        """, database: stream.database)
                    try await stream.openGate(1)
                    try await stream.waitUntilAtGate(5)
                    try await stream.waitUntilCaughtUp()
                    try await stream.openGate(2)
                    try await group.waitForAll()
                }
                try await stream.source.sql(
                    """
                    update keyed set note = 'after' where id % 7 = 0;
                    delete from keyed where id % 11 = 0
                    """, database: stream.database)
                try await stream.waitUntilCaughtUp()
            }

            try await stream.expectEqual()
            #expect(!leat.log.contains("Trying again"), "\(stream.logEnd)")
            #expect(try await leat.terminate() == 0)
            try await stream.waitUntilNothingInProgress()
        }
    }

    /// ANALYZE makes the server describe a table again, in whatever comes next of it.
    @Test(
        "go on where a table is described again between their pieces",
        arguments: [PostgresVersion.v15, .v18])
    func describedAgain(_ version: PostgresVersion) async throws {
        try await StreamFixture.withGates(version) { stream in
            try await stream.fill()
            let leat = try stream.start()
            try await stream.waitUntilStreaming()
            let analysing = "analyze keyed; update keyed set v = 8 where id between 4500 and 4600"

            try await stream.watchingPositions {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await stream.source.run(
                            script: """
                                begin;
                                insert into keyed select i, 0, 'a' from generate_series(100001, 125000) i;
                                \(StreamFixture.wait(atGate: 1))
                                savepoint a;
                                update keyed set v = 1 where id between 100001 and 120000;
                                \(StreamFixture.wait(atGate: 2))
                                rollback to a;
                                delete from keyed where id between 100001 and 115000;
                                insert into journal select 1, i, 'd' from generate_series(1, 2000) i;
                                commit;
                                """, database: stream.database)
                    }
                    for gate in 1...2 {
                        try await stream.waitUntilAtGate()
                        try await stream.waitUntilInProgress()
                        try await stream.source.run(script: analysing, database: stream.database)
                        if gate == 1 {
                            // It is described to whom it was not before, too.
                            try await stream.waitUntilCaughtUp()
                        }
                        try await stream.openGate(gate)
                    }
                    try await group.waitForAll()
                }
                try await stream.waitUntilCaughtUp()
            }

            try await stream.expectEqual()
            #expect(!leat.log.contains("Trying again"), "\(stream.logEnd)")
            #expect(try await leat.terminate() == 0)
        }
    }

    @Test("more subtransactions than a session should have: the rest goes by way of the disk")
    func manySubtransactions() async throws {
        let stream = try await StreamFixture.streaming()
        let leat = try stream.start()
        try await stream.waitUntilStreaming()

        try await stream.source.run(
            script: """
                begin;
                insert into keyed select i, 0, 'a' from generate_series(100001, 103000) i;
                do $$ begin
                  for i in 1..300 loop
                    begin
                      insert into keyed select i * 100 + j, i, 'b' from generate_series(1, 50) j;
                      update keyed set v = v + 1 where id = 100000 + i;
                      if i % 3 = 0 then raise exception 'none'; end if;
                    exception when raise_exception then null;
                    end;
                  end loop;
                end $$;
                savepoint s;
                insert into keyed select i, 0, 'a' from generate_series(200001, 203000) i;
                rollback to s;
                update keyed set note = 'end' where id > 102000;
                commit;
                insert into keyed values (-1, -1, 'after');
                """, database: stream.database)
        try await stream.waitUntilCaughtUp()

        try await stream.expectEqual()
        #expect(!leat.log.contains("Trying again"), "\(stream.logEnd)")
    }

    @Test("one that commits beyond the end position is not applied")
    func endPosition() async throws {
        try await StreamFixture.withGates { stream in
            try await stream.fill()
            try stream.start()
            try await stream.waitUntilStreaming()
            #expect(try await stream.leat?.terminate() == 0)

            async let open: Void = inProgress(stream, "commit")
            try await stream.waitUntilAtGate()
            try await stream.source.sql(
                "insert into keyed values (-1, -1, 'before the end')", database: stream.database)
            let end = try await stream.source.scalar("select pg_current_wal_flush_lsn()") ?? ""
            let leat = try stream.start("--endpos", end)
            #expect(try await leat.waitForExit() == 0, "\(stream.logEnd)")
            let there = try await stream.target.sql(
                """
                select count(*) filter (where id = -1), count(*) filter (where note = 'open')
                from keyed
                """, database: stream.database)
            #expect(there == [["1", "0"]])
            try await stream.waitUntilNothingInProgress()

            try stream.start()
            try await stream.waitUntilStreaming()
            try await stream.openGate(1)
            try await open
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    @Test("on a source with PostgreSQL's own settings it begins after 16 MB")
    func beginsEarly() async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.gatedTables) { stream in
            try stream.start()
            try await stream.waitUntilStreaming()

            async let open = stream.source.run(
                script: """
                    begin;
                    insert into keyed select i, 0, repeat('x', 1000)
                    from generate_series(1, 24000) i;
                    \(StreamFixture.wait(atGate: 1))
                    commit;
                    """, database: stream.database)
            try await stream.waitUntilAtGate()
            try await stream.waitUntilInProgress()

            try await stream.openGate(1)
            _ = try await open
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    @Test("a stop rolls it back, and it is sent again")
    func stop() async throws {
        try await StreamFixture.withGates { stream in
            let leat = try stream.start()
            try await stream.waitUntilStreaming()

            async let open: Void = inProgress(stream, "commit")
            try await stream.waitUntilAtGate()
            try await stream.waitUntilInProgress()
            #expect(try await leat.terminate() == 0)
            try await stream.waitUntilNothingInProgress()
            #expect(
                try await stream.target.scalar(
                    "select count(*) from pg_replication_origin where roname like '%side%' "
                        + "and roname like 'leat_\(stream.database)%'") == "0")

            try stream.start()
            try await stream.waitUntilInProgress()
            try await stream.openGate(1)
            try await open
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    /// Rows of `keyed`, then a wait at gate 1, then more, and the end.
    private func inProgress(_ stream: StreamFixture, _ end: String) async throws {
        try await stream.source.run(
            script: """
                begin;
                insert into keyed select i, 0, 'open' from generate_series(100001, 130000) i;
                \(StreamFixture.wait(atGate: 1))
                update keyed set v = 1 where id > 104000;
                \(end);
                """, database: stream.database)
    }

    // MARK: Crashes

    @Test(
        "killed, nothing is lost and nothing is twice",
        arguments: [
            "piece-applied", "piece-applied:5", "piece-applied:7", "pieces-committing",
            "pieces-commit-sent", "pieces-commit-sent:2",
        ])
    func killed(_ failPoint: String) async throws {
        let stream = try await StreamFixture.streaming()
        try await stream.fill()

        try await stream.watchingPositions {
            try await stream.underLoad {
                let leat = try stream.start(failPoint: failPoint)
                try await stream.waitUntilStreaming()
                // How many pieces a transaction becomes depends on how fast they are applied.
                var round = 0
                while leat.exit == nil, round < 40 {
                    round += 1
                    try await stream.source.run(
                        script: """
                            begin;
                            insert into journal select \(round), i, 'large'
                              from generate_series(1, 10000) i;
                            savepoint s;
                            insert into journal select \(round), i, 'gone'
                              from generate_series(1, 5000) i;
                            rollback to s;
                            update whole set v = v + 1 where id < 50;
                            commit;
                            """, database: stream.database)
                }
                #expect(try await leat.waitForExit() == 137)
                try stream.start()
                try await stream.waitUntilCaughtUp()
            }
            try await stream.waitUntilCaughtUp()
        }

        try await stream.expectEqual()
    }

    /// Its backend does not notice that its client is gone: it is stopped.
    @Test("a session that a killed predecessor left is ended, with its locks")
    func leftBackend() async throws {
        try await StreamFixture.withGates { stream in
            let leat = try stream.start()
            try await stream.waitUntilStreaming()
            async let open: Void = inProgress(stream, "rollback")
            try await stream.waitUntilAtGate()
            try await stream.waitUntilInProgress()
            let backend = try #require(try await stream.backendInProgress())

            kill(backend, SIGSTOP)
            try await leat.kill()
            try await stream.openGate(1)
            try await open
            try await stream.source.sql(
                "insert into keyed values (100001, 1, 'mine now')", database: stream.database)
            try stream.start()
            try await stream.target.waitUntil(
                sql: """
                    select exists (select from pg_stat_activity where pid <> pg_backend_pid()
                      and query like '%pg_terminate_backend%' and application_name like 'leat%')
                    """, equals: "t", database: stream.database)
            kill(backend, SIGCONT)

            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    @Test("the target crashes in the middle of it, and loses what was not confirmed")
    func targetCrash() async throws {
        var target = TemporaryCluster.Options()
        target.fsync = true
        try await StreamFixture.withGates(target: target) { stream in
            try await stream.fill()
            let leat = try stream.start()
            try await stream.waitUntilStreaming()

            try await stream.watchingPositions {
                try await stream.underLoad {
                    let end = "\(StreamFixture.wait(atGate: 2)) commit"
                    async let open: Void = inProgress(stream, end)
                    try await stream.waitUntilInProgress()
                    try await stream.target.restart(mode: .immediate)
                    // What it wrote before the stored position is not sent until it writes more.
                    try await stream.openGate(1)
                    try await stream.waitUntilInProgress()
                    try await stream.openGate(2)
                    try await open
                    try await stream.waitForTarget(
                        "select exists (select from keyed where note = 'open')")
                    try await stream.target.restart(mode: .immediate)
                }
                try await stream.waitUntilCaughtUp()
            }
            try await stream.expectEqual()
            #expect(leat.exit == nil)
        }
    }
}
