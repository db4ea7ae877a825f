import Foundation
import LeatTestSupport
import Testing

@Suite("leat slot create")
struct SlotCreateTests {
    @Test(
        "makes a slot, as a role that may only replicate", arguments: PostgresVersion.allCases)
    func creates(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            try await server.sql("create role repl login replication")
            let dry = try await server.slot("create", "a", "--two-phase", "--dry-run", user: "repl")
            #expect(dry.exitCode == 0)
            #expect(try await server.names().isEmpty)

            let made = try await server.slot("create", "a", user: "repl")
            let twice = try await server.slot("create", "a", user: "repl")
            let again = try await server.slot("create", "a", "--if-not-exists", user: "repl")
            let other = try await server.slot(
                "create", "a", "--if-not-exists", "--two-phase", user: "repl")

            let point = try await server.value(
                "select confirmed_flush_lsn from pg_replication_slots")
            #expect(made.output == "created slot a, consistent point \(point ?? "?")\n")
            #expect(made.exitCode == 0 && made.log.isEmpty)
            #expect(twice.exitCode == 3 && twice.log.contains("exists already"))
            #expect(again.exitCode == 0 && again.output.contains("confirmed up to \(point ?? "?")"))
            #expect(other.exitCode == 3 && other.log.contains("not what is asked for"))
            try await server.sql("select pg_drop_replication_slot('a')")
            // The statement is what it says it is.
            try await server.cluster.run(script: dry.output, database: server.database)
            #expect(
                try await server.value("select two_phase from pg_replication_slots") == "t")
            try await expectOptions(server)
        }
    }

    private func expectOptions(_ server: SlotServer) async throws {
        let two = try await server.slot("create", "two", "--two-phase")
        let failover = try await server.slot("create", "fail", "--failover")

        #expect(two.exitCode == 0 && two.log.contains("refuse a two-phase slot"))
        guard server.version == .v18 else {
            #expect(failover.exitCode == 3 && failover.log.contains("came with 17"))
            return
        }
        #expect(failover.exitCode == 0, "\(failover.log)")
        #expect(
            try await server.value(
                "select failover from pg_replication_slots where slot_name = 'fail'") == "t")
    }

    @Test("says what it cannot do, and makes nothing", arguments: PostgresVersion.allCases)
    func refusals(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            try await server.sql("create role plain login")

            let unprivileged = try await server.slot("create", "a", user: "plain")
            let plugin = try await server.slot("create", "a", "--plugin", "no_such_plugin")
            let name = try await server.slot("create", "A-b")
            let physical = try await server.cluster.sql(
                "select pg_create_physical_replication_slot('phys')")
            let taken = try await server.slot("create", "phys", "--if-not-exists")

            #expect(unprivileged.exitCode == 3, "\(unprivileged.log)")
            #expect(unprivileged.log.contains("may not use replication slots"))
            #expect(unprivileged.log.contains("alter role \"plain\" replication"))
            #expect(plugin.exitCode == 3 && plugin.log.contains("no_such_plugin"))
            #expect(name.exitCode == 2)
            #expect(!physical.isEmpty && taken.exitCode == 3 && taken.log.contains("physical"))
            #expect(try await server.names() == ["phys"])
        }
    }

    @Test(
        "tells whom it waits for, and leaves nothing when it is interrupted, out of time or killed",
        arguments: PostgresVersion.allCases)
    func waiting(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            let transaction = try await server.openTransaction()
            func create(
                _ name: String, _ more: String..., environment: [String: String] = [:]
            ) throws -> LeatProcess {
                try LeatProcess(
                    ["slot", "create", name] + server.source() + more, environment: environment)
            }
            // A libpq from 17 on cancels in another way.
            let newest = try await PostgresInstallation.find(.v18).binFolder + "/../lib"

            let interrupted = try create(
                "interrupted", environment: ["LD_LIBRARY_PATH": newest])
            let late = try create("late", "--timeout", "3s", "--show-values")
            let killed = try create("killed")
            let patient = try create("patient")
            try await interrupted.waitForOutput(containing: "pid \(transaction.pid) (judge")
            try await patient.waitForOutput(containing: "active, for ")
            let same = try await server.slot("create", "patient", "--if-not-exists")
            let list = try await server.slot("list")
            #expect(same.exitCode == 3 && same.log.contains("is being created by process"))
            #expect(list.output.contains("creating"), "\(list.output)")
            interrupted.signal(SIGINT)
            try await killed.waitForOutput(containing: "waits for")
            try await killed.kill()

            #expect(try await interrupted.waitForExit() == 130)
            #expect(interrupted.log.contains("Nothing is left of it"))
            #expect(interrupted.log.contains("do ?") && !interrupted.log.contains("SECRET"))
            #expect(try await late.waitForExit() == 3)
            #expect(late.log.contains("was not created in time") && late.log.contains("SECRET"))
            // The killed one's session ends although it waits.
            try await server.cluster.waitUntil(
                sql: """
                    select count(*) = 1 from pg_stat_activity
                    where query like '%create_logical%' and pid <> pg_backend_pid()
                      and state = 'active'
                    """)
            try await transaction.end()
            #expect(try await patient.waitForExit() == 0, "\(patient.log)")
            #expect(try await server.names() == ["patient"])
        }
    }

    @Test("waits for a prepared transaction too, and names it")
    func prepared() async throws {
        try await SlotServer.with(.v18) { server in
            try await server.sql("create table t (id int)")
            try await server.cluster.run(
                script: "begin; insert into t values (1); prepare transaction 'forgotten';",
                database: server.database)

            let create = try LeatProcess(["slot", "create", "a"] + server.source())
            try await create.waitForOutput(containing: "prepared transaction forgotten (postgres")
            try await server.cluster.run(
                script: "rollback prepared 'forgotten'", database: server.database)

            #expect(try await create.waitForExit() == 0)
        }
    }

    @Test(
        "a temporary slot lasts as long as the command", arguments: PostgresVersion.allCases)
    func temporary(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            let create = try LeatProcess(["slot", "create", "a", "--temporary"] + server.source())
            try await create.waitForOutput(containing: "It lasts until Ctrl-C.")
            #expect(
                try await server.value("select temporary from pg_replication_slots") == "t")
            let taken = try await server.slot("drop", "a", "--yes", "--terminate")
            #expect(taken.exitCode == 3 && taken.log.contains("temporary"))

            create.signal(SIGINT)

            #expect(try await create.waitForExit() == 0)
            #expect(create.log.contains("Slot a is gone."))
            #expect(try await server.names().isEmpty)
        }
    }
}
