import LeatCore
import PGWire
import Testing

@Suite("Relation plan")
struct RelationPlanTests {
    private static let pair = TablePair([("id", "int4"), ("v", "text")])

    private func halt(_ change: (inout TablePair) -> Void) throws -> Halt {
        var pair = Self.pair
        change(&pair)
        let halt = try #require(throws: Halt.self) { try pair.plan() }
        #expect(halt.exitCode == .stoppedOnChange)
        #expect(halt.message.contains("shop.item"))
        return halt
    }

    @Test("columns are matched by name, in the relation's order, with the target's types")
    func matchesByName() throws {
        var pair = Self.pair
        pair.target.columns = [.plain("v", "text"), .plain("x", "bool"), .plain("id", "int8")]

        let plan = try pair.plan()

        #expect(plan.columns.map(\.name) == ["id", "v"])
        #expect(plan.columns.map(\.typeOID) == [Types.oid("int8"), Types.oid("text")])
    }

    @Test("a missing column is named with the statement that adds it")
    func missingColumn() throws {
        let halt = try halt {
            $0.relation.columns[1].typeOID = Types.oid("varchar")
            $0.relation.columns[1].typeModifier = Types.length(20)
            $0.target.columns.removeLast()
        }

        #expect(halt.message.contains("column v is missing"))
        #expect(
            halt.advice?.contains(
                #"alter table "shop"."item" add column "v" varchar(20);"#) == true)
    }

    @Test("all that does not fit is named at once")
    func everyProblem() throws {
        let halt = try halt {
            $0.target.columns = [.plain("id", "bool"), .plain("w", "text")]
            $0.target.columns[1].isNotNull = true
        }

        for words in ["column id is int4", "bool", "column v is missing", "column w"] {
            #expect(halt.message.contains(words))
        }
        #expect(halt.advice?.split(separator: "\n").count == 4)
    }

    @Test(
        "an incompatible type is named with both definitions",
        arguments: [
            ("numeric", Types.numeric(10, 2), "numeric(10,2)"),
            ("numeric", Types.numeric(3, -2), "numeric(3,-2)"),
            ("timestamp", 3, "timestamp(3)"), ("bpchar", Types.length(4), "bpchar(4)"),
            ("bit", 9, "bit(9)"), ("interval", 5, "interval"), ("xml", -1, "xml"),
        ])
    func definitions(_ type: String, _ modifier: Int32, _ definition: String) throws {
        let halt = try halt {
            $0.relation.columns[1].typeOID = Types.oid(type)
            $0.relation.columns[1].typeModifier = modifier
            $0.target.columns[1] = .plain("v", "bool")
        }

        #expect(halt.message.contains("column v is \(definition) on the source and bool on the"))
        // From a boolean there is a cast by assignment to text alone.
        let using = type == "bpchar" ? "" : " using \"v\"::text::\(definition)"
        #expect(halt.advice?.contains("alter column \"v\" type \(definition)\(using);") == true)
    }

    @Test("rows that go before a copy are cut where they do not fit, so that the statement works")
    func cut() throws {
        var pair = Self.pair
        pair.relation.columns[1].typeOID = Types.oid("varchar")
        pair.relation.columns[1].typeModifier = Types.length(5)
        pair.target.columns[1] = .plain("v", "timestamp")

        let halt = try #require(throws: Halt.self) { try pair.plan(isEmptied: true) }

        let statement = #"alter column "v" type varchar(5) using "v"::text::varchar(5);"#
        #expect(halt.advice?.contains(statement) == true)
    }

    @Test("a type that no catalog knows is refused")
    func unknownType() throws {
        #expect(try halt { $0.relation.columns[1].typeOID = 99_999 }.message.contains("unknown"))
        #expect(try halt { $0.target.columns[1].typeOID = 99_999 }.message.contains("unknown"))
    }

    @Test("a column that the target generates cannot take the source's values")
    func generated() throws {
        let halt = try halt { $0.target.columns[1].isGenerated = true }

        #expect(halt.message.contains("column v is generated on the target"))
        #expect(halt.advice?.contains(#"alter column "v" drop expression;"#) == true)
    }

    @Test("a column that is not sent must allow NULL or have a value of its own")
    func unsent() throws {
        let halt = try halt {
            $0.target.columns.append(.plain("extra", "int4"))
            $0.target.columns[2].isNotNull = true
        }

        #expect(halt.message.contains("column extra of the target is not sent"))
        #expect(halt.advice?.contains(#"alter column "extra" drop not null;"#) == true)
        #expect(halt.advice?.contains("drop constraint") == false)
    }

    @Test("a column of the primary key can allow NULL once that is gone")
    func unsentKey() throws {
        let halt = try halt {
            $0.target.columns.append(.plain("extra", "int4"))
            $0.target.columns[2].isNotNull = true
            $0.target.uniqueIndexes = [
                .init(isPrimary: true, columns: ["id", "extra"], operators: ["=", "="], name: "k")
            ]
        }

        let lines = halt.advice?.split(separator: "\n").dropFirst().map(String.init) ?? []
        #expect(lines.first?.hasSuffix(#"drop constraint "k";"#) == true, "\(lines)")
        #expect(lines.last?.hasSuffix(#"alter column "extra" drop not null;"#) == true)
    }

    @Test("a default, a generation expression or an identity is such a value", arguments: 0..<4)
    func unsentWithValue(_ way: Int) throws {
        var pair = Self.pair
        var column = TargetTable.Column.plain("extra", "int4")
        column.isNotNull = way < 3
        column.hasDefault = way == 0
        column.isGenerated = way == 1
        column.identity = way == 2 ? .always : .none
        pair.target.columns.append(column)

        #expect(try pair.plan().columns.count == 2)
    }

    @Test("the identity is found by an index over exactly its columns, in the index's order")
    func identityByKey() throws {
        var pair = TablePair([("a", "int4"), ("b", "int4"), ("v", "text")], key: ["a", "b"])
        pair.target.uniqueIndexes = [
            .init(isPrimary: true, columns: ["a"], operators: ["=1"]),
            .init(isPrimary: false, columns: ["b", "a"], operators: ["=2", "=3"]),
        ]

        let plan = try pair.plan()

        #expect(plan.identity == .key([1, 0], operators: ["=2", "=3"]))
        #expect(!plan.scansForRows)
    }

    @Test("without such an index the identity is compared as a record, which scans")
    func identityByRecord() throws {
        var pair = Self.pair
        pair.target.uniqueIndexes = [.init(isPrimary: true, columns: ["v"], operators: ["="])]

        let plan = try pair.plan()

        #expect(plan.identity == .record([0]))
        #expect(plan.scansForRows)
    }

    @Test("under FULL a primary key of the target helps, another index does not")
    func identityFull() throws {
        var pair = TablePair([("id", "int4"), ("v", "text")], key: ["id"], identity: .full)
        #expect(
            try pair.plan().identity == .full(key: [0], operators: ["OPERATOR(pg_catalog.=)"]))
        #expect(try !pair.plan().scansForRows)

        pair.target.uniqueIndexes[0].isPrimary = false
        #expect(try pair.plan().identity == .full(key: [], operators: []))
        #expect(try pair.plan().scansForRows)
        pair.target.uniqueIndexes = [.init(isPrimary: true, columns: ["w"], operators: ["="])]

        #expect(try pair.plan().identity == .full(key: [], operators: []))
    }

    @Test("columns that the target numbers itself ALWAYS are known")
    func identityAlways() throws {
        var pair = Self.pair
        pair.target.columns[0].identity = .always
        pair.target.columns[1].identity = .byDefault

        #expect(try pair.plan().identityAlways == [0])
    }
}
