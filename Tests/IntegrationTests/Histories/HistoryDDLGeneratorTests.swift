import LeatTestSupport
import Testing

@Suite("The generator of histories with DDL")
struct HistoryDDLGeneratorTests {
    private func round(_ seed: UInt64, _ version: PostgresVersion = .v18) -> HistoryDDLRound {
        var generator = HistoryDDLGenerator(version, seed: seed)
        return generator.round(8)
    }

    @Test("makes the same from the same seed, and something else from another")
    func isRepeatable() {
        #expect(round(1) == round(1))
        #expect(round(1) != round(2))
    }

    @Test("makes every kind of change within a hundred rounds")
    func coversAll() {
        let sql = (0..<100).map { round($0).sql }.joined()
        let steps = [
            ", add v text", "drop default;", "vacuum full", "type date;", "timestamptz(0);",
            "using left(", "using upper(", "+ 100;", "alter id type bigint", "as identity",
            "serial",
            "set unlogged", "set logged", "generated always as (", "set expression", "virtual;",
            "rename aside to", "drop table", "drop not null", "unique (u, n)",
            "primary key (id, n)",
            "replica identity full", "truncate t", "cluster t", "analyze t", "'insert'",
            "create publication", "drop publication", "add table", "drop table t",
            "--on-rewrite copy", "phase 1, streaming", "phase 1, down", "phase 1, killed",
        ]
        for step in steps { #expect(sql.contains(step), "\(step)") }
    }
}
