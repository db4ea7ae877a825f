import LeatTestSupport
import Testing

@Suite("Slots of a standby")
struct StandbySlotTests {
    @Test("are made, listed and dropped from 16 on; what a standby cannot do is told of the source")
    func made() async throws {
        let primary = try await TemporaryCluster.started(.v18)
        try await primary.withStandby("standby") { standby in
            try await standby.waitUntil(sql: "select pg_is_in_recovery()", equals: "t")
            let source = ["--source", standby.conninfo(database: "postgres")]
            // Its slots wait for word of the running transactions.
            let create = try LeatProcess(["slot", "create", "of_standby"] + source)
            for _ in 0..<500 where create.exit == nil {
                try await primary.sql("select pg_log_standby_snapshot()")
            }
            #expect(try await create.waitForExit() == 0, "\(create.log)")

            let (_, listed, _) = try await LeatProcess.run(["slot", "list"] + source)
            #expect(listed.contains("of_standby"))
            let (code, _, log) = try await LeatProcess.run(
                ["publication", "create", "p", "--all-tables"] + source)
            #expect(code != 0 && !log.contains("target"), "\(log)")
            let (dropped, _, _) = try await LeatProcess.run(
                ["slot", "drop", "of_standby", "--yes"] + source)
            #expect(dropped == 0)
        }
        try await primary.remove()
    }
}
