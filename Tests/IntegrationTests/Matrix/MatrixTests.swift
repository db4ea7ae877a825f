import LeatTestSupport
import Testing

@Suite("Every case between all versions, in text and binary form")
struct MatrixTests {
    @Test("is the same on both sides, or refused as it says", arguments: Matrix.cases)
    func holds(_ test: Case) async {
        await withTaskGroup { group in
            for place in Place.all {
                group.addTask { (place, await Matrix.shared.result(of: test, at: place)) }
            }
            for await (place, result) in group {
                #expect(
                    result.isGood,
                    "\(test.group.rawValue) / \(test.name), \(place.testDescription): \(result)")
            }
        }
    }

    @Test("has a name of its own")
    func names() {
        #expect(Set(Matrix.cases.map(\.schema)).count == Matrix.cases.count)
        #expect(Matrix.cases.allSatisfy { $0.schema.count < 64 })
    }

    @Test("is judged by bytes: a zero more, another sign of zero, a lost row or duplicate shows")
    func judges() async throws {
        let test = Case(
            group: .types, name: "judged",
            setup: "create table t (n numeric, f float8, v text);",
            rows: "insert into t values (1.0, 0, ''), (1.0, 0, ''), (0, 0, 'é');")
        let differences = [
            "update t set n = 1.00", "update t set f = '-0'", "update t set v = null",
            "update t set v = normalize(v, nfd)",
            "delete from t where ctid = (select min(ctid) from t)", "insert into t select * from t",
            "alter table t add x int; update t set x = 1",
        ]
        try await Pair.with { pair in
            try await CaseRun.setUp([test], pair)
            try await pair.onTarget(
                "insert into types_judged.t values (1.0, 0, ''), (0, 0, 'é'), (1.0, 0, '')")
            let judge = try await Judge([test], pair.source, database: pair.database)
            let source = try await judge.holdings(pair.source, database: pair.database)
            #expect(try await judge.holdings(pair.target, database: pair.database) == source)

            for difference in differences {
                let seen = try await pair.target.run(
                    script: "begin; set search_path = types_judged; \(difference);\n"
                        + judge.script + "\nrollback;",
                    database: pair.database)
                #expect(judge.holdings(seen) != source, "\(difference)")
            }
        }
    }
}
