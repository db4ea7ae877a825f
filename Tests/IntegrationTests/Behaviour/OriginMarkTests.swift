import LeatTestSupport
import Testing

@Suite("Replication origins of the target")
struct OriginMarkTests {
    private static let schema = "create table t (id int primary key)"

    @Test("streams of one name lead into two databases of one server")
    func belongToADatabase() async throws {
        let target = try await ClusterPool.shared.cluster(.v15, as: .target)
        let sources = [
            try await ClusterPool.shared.cluster(.v15, as: .source),
            try await ClusterPool.shared.cluster(.v16, as: .source),
        ]

        try await Pair.with(sources[0], target, schema: Self.schema) { first in
            try await Pair.with(sources[1], target, schema: Self.schema) { second in
                let one = try first.start("--stream", "shared_name")
                let two = try second.start("--stream", "shared_name")
                for pair in [first, second] {
                    try await pair.onSource("insert into t values (1)")
                    try await target.waitUntil(
                        sql: "select count(*) from t", equals: "1", database: pair.database)
                }
                #expect(try await one.terminate() == 0)
                #expect(try await two.terminate() == 0)
            }
        }
    }

    @Test("a target without a free origin is followed all the same, with a warning")
    func areOptional() async throws {
        var options = TemporaryCluster.Options()
        options.settings = ["max_replication_slots": "0"]
        let target = try await TemporaryCluster.started(.v16, options: options)
        let source = try await ClusterPool.shared.cluster(.v16, as: .source)

        try await Pair.with(source, target, schema: Self.schema) { pair in
            let leat = try pair.start()
            try await leat.waitForOutput(containing: "not marked with a replication origin")
            try await pair.onSource("insert into t values (1)")
            try await target.waitUntil(
                sql: "select count(*) from t", equals: "1", database: pair.database)
            #expect(try await leat.terminate() == 0)
        }
        try await target.remove()
    }

    @Test("are needed with --origin none, and those of databases that are gone make room")
    func areNeeded() async throws {
        var options = TemporaryCluster.Options()
        options.settings = ["max_replication_slots": "1"]
        let target = try await TemporaryCluster.started(.v16, options: options)
        let source = try await ClusterPool.shared.cluster(.v16, as: .source)

        try await Pair.with(source, target, schema: Self.schema) { pair in
            try await target.sql(
                """
                select pg_replication_origin_create('somebody_elses');
                select pg_replication_origin_advance('somebody_elses', '0/1')
                """)
            try await pair.expectRefusal(
                6, "--origin none needs a replication origin", options: ["--origin", "none"])

            try await target.sql("select pg_replication_origin_drop('somebody_elses')")
            try await target.sql(
                """
                select pg_replication_origin_create('leat_gone_999999999');
                select pg_replication_origin_advance('leat_gone_999999999', '0/1')
                """)
            try await pair.catchUp("--no-copy", "--origin", "none")
            #expect(
                try await target.scalar(
                    "select count(*) from pg_replication_origin where roname ~ 'gone'") == "0")
        }
        try await target.remove()
    }
}
