import Foundation
import LeatTestSupport
import Testing

@Suite("A source that cannot be followed is refused before anything is created")
struct SourceSettingsTests {
    struct Case: CustomTestStringConvertible {
        let settings: [String: String]
        let word: String
        var testDescription: String { word }
    }

    @Test(
        "says what it lacks",
        arguments: [
            Case(settings: ["wal_level": "replica"], word: "wal_level"),
            Case(settings: ["max_replication_slots": "0"], word: "no free replication slot"),
        ])
    func refuses(_ test: Case) async throws {
        var options = TemporaryCluster.Options()
        options.settings = test.settings
        let source = try await TemporaryCluster.started(.v15, options: options)
        let target = try await ClusterPool.shared.cluster(.v15, as: .target)

        try await Pair.with(source, target, schema: "create table t (id int primary key)") {
            try await $0.expectRefusal(6, test.word)
        }
        try await source.remove()
    }

    @Test("a standby is refused too, and its primary named")
    func standby() async throws {
        let source = try await TemporaryCluster.started(.v16)
        let target = try await ClusterPool.shared.cluster(.v16, as: .target)

        try await Pair.with(source, target, schema: "create table t (id int primary key)") { pair in
            try await source.stop()
            let signal = URL(fileURLWithPath: "\(source.folder)/data/standby.signal")
            try Data().write(to: signal)
            try await source.start()

            try await pair.expectRefusal(6, "The source is a standby.", "primary")
        }
        try await source.remove()
    }
}
