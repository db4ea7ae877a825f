import LeatAdmin
import LeatCore
import Testing

@Suite("Statements of publications")
struct PublicationStatementTests {
    private func table(
        _ name: String, partitioned: Bool = false, columns: [String]? = nil,
        filter: String? = nil
    ) -> PublicationTable {
        PublicationTable(
            name: TableName(schema: "app", name: name), isPartitioned: partitioned,
            columns: columns, rowFilter: filter)
    }

    @Test("a publication of everything, and one of parts")
    func create() {
        var all = PublicationDefinition(name: "p\"q")
        all.isForAllTables = true
        #expect(
            all.statement == """
                create publication "p""q"
                  for all tables
                  with (publish_via_partition_root = true);
                """)
        var part = PublicationDefinition(name: "p")
        part.tables = [
            table("a", columns: ["id", "x y"], filter: "id > 1"), table("b", partitioned: true),
        ]
        part.schemas = ["s", "T"]
        part.operations = [.insert, .delete]
        part.isViaRoot = false
        #expect(
            part.statement == """
                create publication "p"
                  for table only "app"."a" ("id", "x y") where (id > 1),
                    "app"."b",
                    tables in schema "s", "T"
                  with (publish = 'insert, delete', publish_via_partition_root = false);
                """)
    }

    @Test("a change drops, then sets, then adds; what is redefined is dropped and added")
    func alter() {
        var change = PublicationChange(name: "p")
        #expect(change.statements.isEmpty && !change.takesAway)
        change.added = [table("new")]
        #expect(!change.takesAway)
        change.dropped = [table("old")]
        change.redefined = [table("other", filter: "x")]
        change.droppedSchemas = ["s"]
        change.isViaRoot = true
        #expect(change.takesAway)
        #expect(
            change.statements == [
                """
                alter publication "p"
                  drop table only "app"."old",
                    only "app"."other",
                    tables in schema "s";
                """,
                "alter publication \"p\"\n  set (publish_via_partition_root = true);",
                """
                alter publication "p"
                  add table only "app"."other" where (x),
                    only "app"."new";
                """,
            ])
    }
}
