internal import LeatCatalogs
internal import LeatCore
public import PGClient

/// Reads the publications of a database, of any server and whoever made them.
public struct PublicationCatalog: Sendable {
    private let source: Conninfo
    private let target: Conninfo?
    private let command: String

    /// - Parameters:
    ///   - target: Of streams that may read them; nil if none is known.
    ///   - command: What `application_name` says.
    public init(source: Conninfo, target: Conninfo?, command: String) {
        self.source = source
        self.target = target
        self.command = command
    }

    /// - Parameter names: Those only; all if empty.
    /// - Throws: ``Halt``, also if one of `names` is missing.
    public func list(_ names: [String] = []) async throws -> PublicationList {
        let identity = try await Connection.with(source, peer: .source, command: command) {
            try DatabaseIdentity($0)
        }
        let streams = try await streams(of: identity)
        return try await Connection.with(source, peer: .source, command: command) { session in
            try PublicationCatalog.list(on: session, names: names, streams: streams)
        }
    }

    /// The streams of the target that follow this source.
    func streams(of identity: DatabaseIdentity) async throws -> [PublicationReaders.Stream] {
        guard let target else { return [] }
        return try await Connection.with(target, peer: .target, command: command) { session in
            try PublicationReaders.streams(session, of: identity)
        }
    }

    static func list(
        on session: Session, names: [String], streams: [PublicationReaders.Stream]
    ) throws -> PublicationList {
        let rows = try headers(session)
        let existing = try rows.map { try $0.text("pubname") }
        if let missing = names.first(where: { name in
            !existing.contains { $0.isSameName(as: name) }
        }) {
            throw missingHalt(missing, among: existing)
        }
        let readers = try PublicationReaders(session, publications: existing, streams: streams)
        let problems = try PublicationProblems(session: session).read(nil)
        let wanted = zip(existing, rows).filter { name, _ in
            names.isEmpty || names.contains { $0.isSameName(as: name) }
        }
        let publications = try wanted.map { name, row in
            let isForAllTables = try row.bool("puballtables")
            return PublicationReport(
                name: name, owner: try row.text("owner"), isForAllTables: isForAllTables,
                schemas: try row.stringsIfAny("schemas"),
                operations: try row.text("operations").split(separator: ",").map(String.init),
                isViaPartitionRoot: try row.bool("pubviaroot"),
                generatedColumns: try row.optionalText("generated"),
                tables: try tables(on: session, of: name, isForAllTables: isForAllTables),
                problems: problems[name] ?? [], readers: readers[name])
        }
        return PublicationList(
            database: try session.query("select pg_catalog.current_database()").text(),
            publications: publications, unknownSlots: readers.unknownSlots,
            serverVersion: session.serverVersion)
    }

    static func missingHalt(_ name: String, among existing: [String]) -> Halt {
        Halt(
            .configuration, "The source has no publication \(name).",
            advice: existing.isEmpty
                ? "This database has none."
                : "There are: \(existing.joined(separator: ", ")).")
    }

    private static func headers(_ session: Session) throws -> [Record] {
        let schemas =
            session.serverVersion >= 150_000
            ? """
            (select pg_catalog.json_agg(n.nspname order by n.nspname)
              from pg_catalog.pg_publication_namespace s
              join pg_catalog.pg_namespace n on n.oid = s.pnnspid where s.pnpubid = p.oid)
            """ : "null"
        let generated =
            session.serverVersion >= 180_000
            ? "case p.pubgencols when 'n' then 'none' when 's' then 'stored' end" : "null"
        return try session.query(
            """
            select p.pubname, pg_catalog.pg_get_userbyid(p.pubowner) as owner, p.puballtables,
              \(schemas) as schemas,
              pg_catalog.concat_ws(',', case when p.pubinsert then 'insert' end,
                case when p.pubupdate then 'update' end, case when p.pubdelete then 'delete' end,
                case when p.pubtruncate then 'truncate' end) as operations,
              p.pubviaroot, \(generated) as generated
            from pg_catalog.pg_publication p order by 1
            """
        ).records
    }

    private static func tables(
        on session: Session, of name: String, isForAllTables: Bool
    ) throws -> [PublicationReport.Table] {
        let details =
            session.serverVersion >= 150_000
            ? """
            case when r.prattrs is not null then pg_catalog.array_to_json(t.attnames) end
                as columns, t.rowfilter
            """ : "null as columns, null as rowfilter"
        return try session.query(
            """
            select t.schemaname, t.tablename, c.relkind = 'p' as is_partitioned,
              r.oid is not null as is_named, \(details)
            from pg_catalog.pg_publication_tables t
            join pg_catalog.pg_publication p on p.pubname = t.pubname
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            left join pg_catalog.pg_publication_rel r on r.prpubid = p.oid and r.prrelid = c.oid
            where t.pubname = $1 order by 1, 2
            """, with: [name]
        ).records.map { row in
            let membership = try row.bool("is_named") ? "table" : "schema"
            return PublicationReport.Table(
                schemaName: try row.text("schemaname"), tableName: try row.text("tablename"),
                columns: try row.optionalStrings("columns"),
                rowFilter: try row.optionalText("rowfilter"),
                isPartitioned: try row.bool("is_partitioned"),
                membership: isForAllTables ? "all" : membership)
        }
    }
}
