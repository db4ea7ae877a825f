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
            try TargetIdentity($0)
        }
        let streams = try await streams(of: identity)
        return try await Connection.with(source, peer: .source, command: command) { session in
            try PublicationCatalog.list(session, names, streams)
        }
    }

    /// The streams of the target that follow this source.
    func streams(of identity: TargetIdentity) async throws -> [PublicationReaders.Stream] {
        guard let target else { return [] }
        return try await Connection.with(target, peer: .target, command: command) { session in
            try PublicationReaders.streams(session, of: identity)
        }
    }

    static func list(
        _ session: Session, _ names: [String], _ streams: [PublicationReaders.Stream]
    ) throws -> PublicationList {
        let rows = try headers(session)
        let existing = rows.map { $0[0] ?? "" }
        if let missing = names.first(where: { name in
            !existing.contains { $0.isSameName(as: name) }
        }) {
            throw missingHalt(missing, existing)
        }
        let readers = try PublicationReaders(session, publications: existing, streams: streams)
        let problems = try PublicationProblems(session: session).read(nil)
        let wanted = rows.filter { row in
            names.isEmpty || names.contains { $0.isSameName(as: row[0] ?? "") }
        }
        let publications = try wanted.map { row in
            let name = row[0] ?? ""
            return PublicationReport(
                name: name, owner: row[1] ?? "", isForAllTables: row[2] == "t",
                schemas: JSONText.strings(row[3] ?? "[]"),
                operations: (row[4] ?? "").split(separator: ",").map(String.init),
                isViaPartitionRoot: row[5] == "t", generatedColumns: row[6],
                tables: try tables(session, name, isForAllTables: row[2] == "t"),
                problems: problems[name] ?? [], readers: readers[name])
        }
        return PublicationList(
            database: try session.query("select pg_catalog.current_database()").scalar ?? "",
            publications: publications, unknownSlots: readers.unknownSlots,
            serverVersion: session.serverVersion)
    }

    static func missingHalt(_ name: String, _ existing: [String]) -> Halt {
        Halt(
            .configuration, "The source has no publication \(name).",
            advice: existing.isEmpty
                ? "This database has none."
                : "There are: \(existing.joined(separator: ", ")).")
    }

    /// name, owner, all tables, schemas, operations, via root, generated columns.
    private static func headers(_ session: Session) throws -> [[String?]] {
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
            select p.pubname, pg_catalog.pg_get_userbyid(p.pubowner), p.puballtables, \(schemas),
              pg_catalog.concat_ws(',', case when p.pubinsert then 'insert' end,
                case when p.pubupdate then 'update' end, case when p.pubdelete then 'delete' end,
                case when p.pubtruncate then 'truncate' end),
              p.pubviaroot, \(generated)
            from pg_catalog.pg_publication p order by 1
            """
        ).rows
    }

    private static func tables(
        _ session: Session, _ name: String, isForAllTables: Bool
    ) throws -> [PublicationReport.Table] {
        let details =
            session.serverVersion >= 150_000
            ? """
            case when r.prattrs is not null then pg_catalog.array_to_json(t.attnames) end,
              t.rowfilter
            """ : "null, null"
        return try session.query(
            """
            select t.schemaname, t.tablename, c.relkind = 'p', r.oid is not null, \(details)
            from pg_catalog.pg_publication_tables t
            join pg_catalog.pg_publication p on p.pubname = t.pubname
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            left join pg_catalog.pg_publication_rel r on r.prpubid = p.oid and r.prrelid = c.oid
            where t.pubname = $1 order by 1, 2
            """, [name]
        ).rows.map { row in
            PublicationReport.Table(
                schemaName: row[0] ?? "", tableName: row[1] ?? "",
                columns: row[4].map(JSONText.strings), rowFilter: row[5],
                isPartitioned: row[2] == "t",
                membership: isForAllTables ? "all" : row[3] == "t" ? "table" : "schema")
        }
    }
}
