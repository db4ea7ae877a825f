import LeatTestSupport
import Testing

@Suite("A source that was brought back from a copy of its disk")
struct RestoredSourceTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"
    /// WAL of no followed table.
    private static let otherWAL = "select pg_logical_emit_message(false, '', repeat('x', 10000))"
    /// More than was there before.
    private static let muchWAL = """
        select pg_logical_emit_message(false, '', repeat('x', 1000000)), pg_switch_wal()
        """

    @Test(
        "is refused once its WAL is past the position, and a crash is not taken for it",
        arguments: [PostgresVersion.v15, .v18])
    func refused(_ version: PostgresVersion) async throws {
        let source = try await TemporaryCluster.started(version)
        let target = try await ClusterPool.shared.cluster(version, as: .target)
        try await Pair.with(source, target, schema: Self.schema, rows: Self.rows) { pair in
            // Nothing is confirmed, so that each start has the whole way before it.
            try await pair.catchUp("--hold-back", "10min")
            try await source.keepDisk()
            try await pair.onSource("insert into t values (11, 'lost')")
            try await pair.catchUp("--hold-back", "10min")
            try await source.restart(mode: .immediate)
            try await pair.onSource("insert into t values (12, 'lost')")
            try await pair.catchUp()
            try await pair.expectEqual()
            // It begins behind what the target has, and holds nothing.
            try await pair.catchUp("--spool", pair.spool)

            try await source.restoreDisk()
            try await pair.onSource("insert into t values (13, 'other')")
            try await pair.onSource(Self.muchWAL)
            try await pair.expectRefusal(
                8, "history", "is not there", options: ["--endpos", "now"])
            // The target may take what the spool knows, which is no change.
            let spooled = try await pair.sync("--endpos", "now", "--spool", pair.spool)
            #expect(spooled.exitCode == 8 && spooled.log.contains("is not there"), "\(spooled.log)")

            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            try await pair.catchUp("--truncate", "--yes")
            try await pair.expectEqual()
            try await quietly(pair)
        }
        try await source.remove()
    }

    /// Only the position has moved since the copy: nothing that the target has is lost.
    private func quietly(_ pair: Pair) async throws {
        let source = pair.source
        try await source.keepDisk()
        try await pair.onSource(Self.otherWAL)
        try await pair.catchUp()

        try await source.restoreDisk()
        try await pair.onSource("insert into t values (21, 'would be skipped')")
        try await pair.onSource(Self.muchWAL)
        try await pair.expectRefusal(8, "history", "never stored", options: ["--endpos", "now"])

        try await source.restoreDisk()
        try await pair.onSource(Self.muchWAL)
        try await pair.onSource("insert into t values (31, 'behind it')")
        try await pair.catchUp()
        try await pair.expectEqual()
    }

    @Test("is refused by a recording too, and a crash is not")
    func recording() async throws {
        let source = try await TemporaryCluster.started(.v16)
        let target = try await ClusterPool.shared.cluster(.v16, as: .target)
        try await Pair.with(source, target, schema: Self.schema, rows: Self.rows) { pair in
            #expect(try await pair.record().exitCode == 0)
            try await source.keepDisk()
            for id in [11, 12] {
                try await pair.onSource("insert into t values (\(id), 'lost')")
                let recorded = try await pair.record()
                #expect(recorded.exitCode == 0, "\(recorded.log)")
                try await source.restart(mode: .immediate)
            }

            try await source.restoreDisk()
            try await pair.onSource("insert into t values (13, 'other')")
            try await pair.onSource(Self.muchWAL)
            let refused = try await pair.record()

            #expect(refused.exitCode == 8, "\(refused.log)")
            #expect(refused.log.contains("is not there"))
        }
        try await source.remove()
    }

    @Test("is refused if its slot is of a start that was broken off before the stream was made")
    func olderSlot() async throws {
        let source = try await TemporaryCluster.started(.v16)
        let target = try await ClusterPool.shared.cluster(.v16, as: .target)
        try await Pair.with(source, target, schema: Self.schema, rows: Self.rows) { pair in
            var record = pair.recording + ["--endpos", "now"]
            for place in [4, 6] { record[place] += "_r" }
            let commands = [["sync"] + pair.places + ["--endpos", "now"], record]
            for command in commands {
                let killed = try await pair.leat(
                    command, environment: ["LEAT_FAILPOINT": "slot-created"])
                #expect(killed.exitCode == 137, "\(killed.log)")
            }
            try await source.keepDisk()
            try await pair.onSource(Self.otherWAL)
            for command in commands {
                let begun = try await pair.leat(command)
                #expect(begun.exitCode == 0, "\(begun.log)")
            }

            try await source.restoreDisk()
            try await pair.onSource("insert into t values (11, 'would be skipped')")
            try await pair.onSource(Self.muchWAL)
            for spool in [[], ["--spool", pair.spool]] {
                try await pair.expectRefusal(
                    8, "an older one of the same name", options: ["--endpos", "now"] + spool)
            }
            let refused = try await pair.leat(record)
            #expect(refused.exitCode == 8 && refused.log.contains("an older one"), "\(refused.log)")
        }
        try await source.remove()
    }
}
