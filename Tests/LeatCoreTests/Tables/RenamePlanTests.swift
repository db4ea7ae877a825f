import LeatCore
import LeatTestSupport
import PGWire
import Testing

private func name(_ text: String) -> TableName {
    let parts = text.split(separator: ".").map(String.init)
    return TableName(schema: parts.count == 2 ? parts[0] : "public", name: parts.last ?? "")
}

private func table(
    _ id: UInt32, _ stored: String, _ source: String, target: UInt32? = nil
) -> RenamePlan.Table {
    RenamePlan.Table(
        id: RelationID(rawValue: id), stored: name(stored), source: name(source),
        targetOID: target)
}

private func names(_ tables: [UInt32: String]) -> RenamePlan.TargetNames {
    RenamePlan.TargetNames(tables.map { (oid: $0.key, name: name($0.value)) })
}

private func to(_ renames: [RenamePlan.Rename]) -> [String] {
    renames.map { "\($0.from.name)>\($0.to.name)" }
}

@Suite("Renamed tables")
struct RenamePlanTests {
    @Test("a name that changed on the source is owed on the target, and then taken over")
    func renamed() {
        let tables = [table(1, "a", "b", target: 71), table(2, "c", "c", target: 72)]

        let before = RenamePlan(tables, target: names([71: "a", 72: "c"]))
        let after = RenamePlan(tables, target: names([71: "b", 72: "c"]))

        #expect(to(before.owed) == ["a>b"] && before.done.isEmpty)
        #expect(before.statements == [#"alter table "public"."a" rename to "b";"#])
        #expect(before.halt?.exitCode == .stoppedOnChange)
        #expect(to(after.done.map(\.rename)) == ["a>b"] && after.owed.isEmpty && after.halt == nil)
    }

    private static func ruled(
        _ stored: String, _ source: String, from: String, to: String
    ) -> RenamePlan.Table {
        RenamePlan.Table(
            id: RelationID(rawValue: 1), stored: name(stored), source: name(source), targetOID: 71,
            storedTarget: name(from), target: name(to))
    }

    @Test("a rule that has changed is owed on the target, and then taken over")
    func changedRule() {
        let table = Self.ruled("a", "a", from: "app.x", to: "app.y")

        let before = RenamePlan([table], target: names([71: "app.x"]))
        #expect(before.statements == [#"alter table "app"."x" rename to "y";"#])
        #expect(before.halt?.exitCode == .preflight)
        #expect(
            before.halt?.message
                == "Table public.a goes to app.y by --rename, and is app.x on the target.")
        #expect(before.halt?.advice?.contains("--rename public.a=app.x") == true)
        let after = RenamePlan([table], target: names([71: "app.y"]))
        #expect(after.halt == nil && after.done.map(\.target) == [name("app.y")])
        let asBefore = Self.ruled("a", "a", from: "app.x", to: "app.x")
        let same = RenamePlan([asBefore], target: names([71: "app.x"]))
        #expect(same.halt == nil && same.done.isEmpty)
    }

    @Test("a table that stays where a rule has brought it only gets the source's new name")
    func pinned() {
        let table = Self.ruled("a", "b", from: "app.x", to: "app.x")

        let plan = RenamePlan([table], target: names([71: "app.x"]))
        #expect(plan.halt == nil && to(plan.done.map(\.rename)) == ["a>b"])
    }

    @Test("a schema that the target lacks is made first")
    func missingSchema() {
        let tables = [table(1, "a", "new.a", target: 71), table(2, "b", "new.b", target: 72)]
        let target = RenamePlan.TargetNames(
            [(oid: 71, name: name("a")), (oid: 72, name: name("b"))],
            missingSchemas: ["new", "other"])

        #expect(
            RenamePlan(tables, target: target).statements == [
                #"create schema "new";"#, #"alter table "public"."a" set schema "new";"#,
                #"alter table "public"."b" set schema "new";"#,
            ])
    }

    @Test("names that were swapped are told apart by the target's OIDs")
    func swapped() {
        let tables = [table(1, "a", "b", target: 71), table(2, "b", "a", target: 72)]

        let before = RenamePlan(tables, target: names([71: "a", 72: "b"]))
        let after = RenamePlan(tables, target: names([71: "b", 72: "a"]))

        #expect(
            before.statements == [
                #"alter table "public"."a" rename to "leat_renamed_1";"#,
                #"alter table "public"."b" rename to "a";"#,
                #"alter table "public"."leat_renamed_1" rename to "b";"#,
            ])
        #expect(before.blocked.isEmpty)
        #expect(to(after.done.map(\.rename)) == ["a>b", "b>a"] && after.owed.isEmpty)
    }

    @Test("names that follow one another are changed in an order that works")
    func chain() {
        let tables = [table(1, "a", "b", target: 71), table(2, "b", "c", target: 72)]

        let plan = RenamePlan(tables, target: names([71: "a", 72: "b"]))

        #expect(
            plan.statements == [
                #"alter table "public"."b" rename to "c";"#,
                #"alter table "public"."a" rename to "b";"#,
            ])
    }

    @Test("a table that moved to another schema, under another name")
    func moved() {
        let plan = RenamePlan([table(1, "a", "app.b", target: 71)], target: names([71: "a"]))

        #expect(
            plan.statements == [
                #"alter table "public"."a" set schema "app";"#,
                #"alter table "app"."a" rename to "b";"#,
            ])
    }

    @Test("a name that another table of the target has is said to be in the way")
    func blocked() {
        let plan = RenamePlan(
            [table(1, "a", "b", target: 71)], target: names([71: "a", 90: "b"]))

        #expect(plan.blocked == [name("b")])
        #expect(plan.halt?.advice?.contains("make room there for public.b") == true)
    }

    @Test("without the target's OID, the old name being there says that it is still owed")
    func withoutOID() {
        let tables = [table(1, "a", "b")]

        #expect(to(RenamePlan(tables, target: names([71: "a"])).owed) == ["a>b"])
        #expect(to(RenamePlan(tables, target: names([71: "b"])).done.map(\.rename)) == ["a>b"])
        #expect(to(RenamePlan(tables, target: names([71: "a", 72: "b"])).owed) == ["a>b"])
    }

    @Test("a table that the operator put in the old one's place is taken by its name")
    func replacedOnTarget() {
        let plan = RenamePlan(
            [table(1, "a", "a", target: 71)], target: names([71: "a_old", 75: "a"]))

        #expect(plan.owed.isEmpty && plan.done.isEmpty)
    }

    @Test("names that were swapped on the target alone are owed back")
    func swappedOnTarget() {
        let tables = [table(1, "a", "a", target: 71), table(2, "b", "b", target: 72)]

        let plan = RenamePlan(tables, target: names([71: "b", 72: "a"]))

        #expect(to(plan.owed) == ["b>a", "a>b"])
    }

    @Test("over random renames the statements always bring the target to the source's names")
    func randomHistories() {
        let seed = SeededGenerator.printedSeed()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let count = Int.random(in: 1...5, using: &random)
            let letters = ["a", "b", "c", "d", "e", "f"]
            let before = letters.shuffled(using: &random).prefix(count)
            let after = letters.shuffled(using: &random).prefix(count)
            let tables = (0..<count).map { number in
                table(
                    UInt32(number + 1), before[number], after[number], target: UInt32(number + 71))
            }
            var target = Dictionary(
                uniqueKeysWithValues: (0..<count).map { (UInt32($0 + 71), before[$0]) })

            for statement in RenamePlan(tables, target: names(target)).statements {
                let words = statement.split(separator: "\"").map(String.init)
                let (from, to) = (words[3], words[5])
                guard let oid = target.first(where: { $0.value == from })?.key,
                    !target.values.contains(to)
                else {
                    Issue.record("\(statement) cannot run on \(target), seed \(seed)")
                    return
                }
                target[oid] = to
            }

            let end = RenamePlan(tables, target: names(target))
            #expect(end.owed.isEmpty && end.halt == nil, "seed \(seed)")
            #expect((0..<count).allSatisfy { target[UInt32($0 + 71)] == after[$0] }, "seed \(seed)")
        }
    }
}
