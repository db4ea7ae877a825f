import LeatTestSupport
import Testing

/// A backlog of many batches, each of which goes through a staging table: two sessions take turns.
@Suite("Batches staged before their turn", .serialized)
struct StagingAheadTests {
    private static let tables = """
        create table t (id int primary key, v int not null, note text);
        create table log (id int primary key, v int);
        create table late (id int primary key, v int);
        """

    private func withBacklog(
        _ body: (StreamFixture) async throws -> Void
    ) async throws {
        let stream = try await StreamFixture(tables: Self.tables)
        try await stream.source.sql(
            """
            insert into t select i, 0, repeat('n', 60) from generate_series(0, 19999) i;
            insert into late values (1, 0), (2, 0)
            """, database: stream.database)
        try await stop(stream, stream.start())
        try await stream.source.run(
            script: """
                do $$ begin for i in 1..60 loop
                  update t set v = v + 1 where id % 4 = i % 4 or id = i;
                  insert into log values (i, i);
                  if i = 45 then update late set v = i; end if;
                  commit;
                end loop; end $$;
                """, database: stream.database)
        try await body(stream)
    }

    private func stop(_ stream: StreamFixture, _ leat: LeatProcess) async throws {
        try await stream.waitUntilCaughtUp()
        #expect(try await leat.terminate() == 0, "\(stream.logEnd)")
    }

    private func hasSecond(_ stream: StreamFixture) async throws -> String? {
        try await stream.target.scalar(
            """
            select exists (select from pg_replication_origin
              where roname ~ '^leat_\(stream.database)_[0-9]+_side0$')
            """)
    }

    @Test("by two sessions in turn, are applied in the stream's order")
    func turns() async throws {
        try await withBacklog { stream in
            try await stream.watchingPositions {
                let leat = try stream.start()
                try await stream.waitUntilCaughtUp()
                #expect(try await hasSecond(stream) == "t")
                try await stop(stream, leat)
            }
            try await stream.expectEqual()
            // It has gone with its session.
            #expect(try await hasSecond(stream) == "f")
        }
    }

    @Test(
        "between other changes of the same tables",
        arguments: [
            "truncate t",
            "update t set id = -id where id between 5 and 900",
            "delete from t where id % 3 = 0",
            "alter table t add more int; update t set more = v",
        ])
    func between(_ change: String) async throws {
        try await withBacklog { stream in
            if change.hasPrefix("alter") {
                try await stream.target.sql(
                    "alter table t add more int", database: stream.database)
            }
            try await stream.source.run(
                script: """
                    \(change);
                    insert into t select i, i, 'again' from generate_series(0, 19999) i
                      on conflict do nothing;
                    do $$ begin for i in 1..20 loop
                      update t set v = v + 1 where id % 2 = i % 2;
                      commit;
                    end loop; end $$;
                    """, database: stream.database)
            try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    /// The position goes from one session to the other when there is no turn.
    @Test("among others that the main session has to apply by itself")
    func mixed() async throws {
        try await withBacklog { stream in
            try await stream.source.run(
                script: """
                    do $$ begin for i in 1..80 loop
                      update t set v = v + 1 where id % 4 = i % 4;
                      if i % 7 = 0 then truncate log; end if;
                      commit;
                    end loop; end $$;
                    """, database: stream.database)
            let leat = try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
            #expect(!leat.log.contains("Trying again"), "\(stream.logEnd)")
        }
    }

    @Test(
        "and a process that is killed meanwhile",
        arguments: ["batch-staged", "batch-staged:2", "batch-staged:3", "commit-sent:3"])
    func killed(_ failPoint: String) async throws {
        try await withBacklog { stream in
            try await stream.watchingPositions {
                let code = try await stream.start(failPoint: failPoint).waitForExit()
                #expect(code == 137, "\(stream.logEnd)")
                try stream.start()
                try await stream.waitUntilCaughtUp()
            }
            try await stream.expectEqual()
        }
    }

    /// The row is missed by a batch in the middle, the next one being staged by then.
    @Test("stop at the first change that does not fit, with all before it stored")
    func conflict() async throws {
        try await withBacklog { stream in
            try await stream.target.sql("delete from late where id = 1", database: stream.database)

            let leat = try stream.start()
            #expect(try await leat.waitForExit() == 7, "\(stream.logEnd)")
            #expect(leat.log.contains("update_missing"), "\(stream.logEnd)")
            #expect(
                try await stream.target.scalar(
                    "select max(id) from log", database: stream.database) == "44")

            try await stream.target.sql(
                "insert into late values (1, 0)", database: stream.database)
            try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    /// What its later part has taught of the table's columns is not known to its first one then.
    @Test("stop likewise in one with rows from before and after an ALTER")
    func conflictBehindAlter() async throws {
        try await withBacklog { stream in
            try await stream.target.sql(
                "delete from late where id = 2", database: stream.database)
            for side in [stream.source, stream.target] {
                try await side.sql("alter table t add more int", database: stream.database)
            }
            try await stream.source.sql(
                """
                update t set more = v where id < 2000;
                update late set v = 9 where id = 2
                """, database: stream.database)

            let leat = try stream.start()
            #expect(try await leat.waitForExit() == 7, "\(stream.logEnd)")
            #expect(leat.log.contains("update_missing"), "\(stream.logEnd)")

            try await stream.target.sql(
                "insert into late values (2, 0)", database: stream.database)
            try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    @Test("stop within seconds while somebody holds their table")
    func blocked() async throws {
        try await withBacklog { stream in
            try await stream.whileLocked("t", mode: "share row exclusive") {
                let leat = try stream.start()
                try await stream.waitUntilBlocked()
                #expect(try await leat.terminate() == 0, "\(stream.logEnd)")
            }
            try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }
}
