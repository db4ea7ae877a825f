import LeatCore
import Testing

@Suite("Rules compared with the source's")
struct LoosenedRuleTests {
    private static let table = TableName(schema: "s", name: "t")

    private static func rule(
        _ kind: SchemaRule.Kind, _ name: String, _ definition: String = "", _ columns: String...
    ) -> SchemaRule {
        SchemaRule(
            kind: kind, name: name, definition: definition, columns: columns, origin: table)
    }

    private static func statements(
        _ target: SchemaRule, source: SchemaRule...
    ) -> [String]? {
        let broken = BrokenRule(
            owner: .table(table), constraint: target.kind == .notNull ? nil : target.name,
            column: target.kind == .notNull ? target.name : nil)
        return LoosenedRule(broken, target: [target], source: source)?.statements
    }

    @Test("one that the source has, under whatever name, or that a narrower key implies, is kept")
    func kept() {
        let key = Self.rule(.unique, "u", "UNIQUE (a, b)", "a", "b")

        #expect(Self.statements(key, source: Self.rule(.uniqueIndex, "x", "btree (a)", "a")) == nil)
        #expect(
            Self.statements(
                Self.rule(.check, "c", "CHECK ((a > 0))"),
                source: Self.rule(.check, "other", "CHECK ((a > 0))")) == nil)
        #expect(
            Self.statements(
                Self.rule(.notNull, "a", "NOT NULL"),
                source: Self.rule(.notNull, "a", "NOT NULL")) == nil)
    }

    @Test("NOT NULL of another column, a wider or a deferrable key, and other words are not it")
    func loosened() {
        let key = Self.rule(.primaryKey, "t_pkey", "PRIMARY KEY (a)", "a")

        #expect(
            Self.statements(
                Self.rule(.notNull, "a", "NOT NULL"),
                source: Self.rule(.notNull, "b", "NOT NULL"))
                == [#"alter table "s"."t" alter column "a" drop not null;"#])
        #expect(
            Self.statements(
                key, source: Self.rule(.primaryKey, "k", "PRIMARY KEY (a, b)", "a", "b"))?.first?
                .hasSuffix("add constraint \"t_pkey\" PRIMARY KEY (a, b);") == true)
        #expect(
            Self.statements(
                key, source: Self.rule(.primaryKey, "t_pkey", "PRIMARY KEY (a) DEFERRABLE", "a"))
                != nil)
        #expect(
            Self.statements(
                Self.rule(.check, "c", "CHECK ((a > 0))"),
                source: Self.rule(.check, "c", "CHECK ((a > -9))"))
                == [
                    #"alter table "s"."t" drop constraint "c";"#,
                    #"-- once the stream has caught up: alter table "s"."t" add constraint "c" CHECK ((a > -9));"#,
                ])
    }

    @Test("a rule that the target has no more is not spoken of")
    func gone() {
        let broken = BrokenRule(owner: .table(Self.table), constraint: "c")

        #expect(LoosenedRule(broken, target: [], source: []) == nil)
    }
}
