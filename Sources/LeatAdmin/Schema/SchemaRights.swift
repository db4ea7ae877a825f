internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// What the role that Leat uses may not do with the tables of one side, and would have to.
struct SchemaRights: Sendable {
    static let toRead = ["SELECT"]
    static let toApply = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"]

    /// By the quoted name of a table.
    private let lacking: [String: [String]]

    init(wanted: [String], on session: Session) throws {
        var lacking: [String: [String]] = [:]
        for row in try session.query(
            """
            select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, w.name as lacking
            from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
            pg_catalog.unnest(\(SQLText.textArray(wanted))) with ordinality w (name, place)
            where c.relkind in ('r', 'p') and c.relpersistence <> 't'
              and \(SchemaCatalog.isOwn("n"))
              and not (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                and pg_catalog.has_table_privilege(c.oid, w.name))
            order by 1, w.place
            """
        ).records { lacking[try row.text("name"), default: []].append(try row.text("lacking")) }
        self.lacking = lacking
    }

    /// Those of each side are no matter of the other.
    static func differences(source: SchemaRights, target: SchemaRights) -> [SchemaDifference] {
        func found(_ rights: SchemaRights) -> [(table: String, text: String)] {
            rights.lacking.sorted { $0.key < $1.key }.map {
                ($0.key, "lacks \($0.value.joined(separator: ", "))")
            }
        }
        return found(source).map {
            SchemaDifference(
                kind: .privilege, object: $0.table, property: "of the source role",
                source: $0.text, target: nil)
        }
            + found(target).map {
                SchemaDifference(
                    kind: .privilege, object: $0.table, property: "of the target role",
                    source: nil, target: $0.text)
            }
    }
}
