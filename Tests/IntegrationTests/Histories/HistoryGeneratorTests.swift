import LeatTestSupport
import Testing

@Suite("The generator of histories")
struct HistoryGeneratorTests {
    @Test("makes the same from the same seed, and something else from another")
    func isRepeatable() {
        func histories(_ seed: UInt64) -> [History] {
            var generator = HistoryGenerator(HistorySchema(.v15), seed: seed)
            return (0..<50).map { _ in generator.next() }
        }

        #expect(histories(1) == histories(1))
        #expect(histories(1) != histories(2))
    }

    @Test("touches every table in every way within two hundred histories")
    func coversAll() {
        let schema = HistorySchema(.v15)
        var generator = HistoryGenerator(schema, seed: 7)
        let histories = (0..<200).map { _ in generator.next() }
        let sql = histories.map { $0.sql + $0.besideSQL }.joined()

        for table in schema.tables {
            #expect(sql.contains("insert into \(table.name) "), "\(table.name)")
            guard !table.abilities.contains(.insertOnly) else { continue }
            #expect(sql.contains("update \(table.name) "), "\(table.name)")
            #expect(sql.contains("delete from \(table.name)"), "\(table.name)")
        }
        let steps = [
            "truncate", " cascade;", "restart identity", "on conflict", "savepoint", "rollback to",
            "release", "rollback;", "prepare transaction", "commit prepared", "rollback prepared",
            "begin;\ncommit;", "do $$", "generate_series", "pg_logical_emit_message", "not exists",
            "-999", "insert into unpublished",
        ]
        for step in steps { #expect(sql.contains(step), "\(step)") }
    }

    @Test("never changes what only inserts are sent of")
    func leavesInsertOnlyAlone() {
        var generator = HistoryGenerator(HistorySchema(.v16), seed: 3)
        let sql = (0..<300).map { _ in generator.next().sql }.joined()

        #expect(!sql.contains("update appended"))
        #expect(!sql.contains("delete from appended"))
        #expect(!sql.contains(/truncate [^;]*appended/))
    }
}
