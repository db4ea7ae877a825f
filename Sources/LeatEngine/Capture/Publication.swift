internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// The publications of a stream, on the source.
struct Publication {
    let session: Session
    let configuration: SourceConfiguration

    /// Of each publication, in the order of names; a missing one is left out.
    ///
    /// A publication that was dropped and made again has another OID. Changes from between are
    /// lost: 18 drops them without a word while the publication is missing.
    func identities() throws -> [PublicationIdentity] {
        try identities(
            where: "pubname = any (\(SQLText.textArray(configuration.publicationNames)))")
    }

    /// Those that have a name or an OID of these.
    func known(_ publications: [PublicationIdentity]) throws -> [PublicationIdentity] {
        try identities(
            where: """
                pubname = any (\(SQLText.textArray(publications.map(\.name))))
                or oid::pg_catalog.text = any (\(SQLText.textArray(publications.map(\.oid))))
                """)
    }

    private func identities(where condition: String) throws -> [PublicationIdentity] {
        try session.query(
            """
            select pubname, oid from pg_catalog.pg_publication where \(condition) order by pubname
            """
        ).records.map {
            PublicationIdentity(name: try $0.text("pubname"), oid: "\(try $0.id("oid"))")
        }
    }

    /// Whether each publication sends partitions in the name of their root.
    func viaRoot() throws -> [String: Bool] {
        var viaRoot: [String: Bool] = [:]
        for row in try session.query(
            """
            select pubname, pubviaroot from pg_catalog.pg_publication
            where pubname = any (\(SQLText.textArray(configuration.publicationNames)))
            """
        ).records { viaRoot[try row.text("pubname")] = try row.bool("pubviaroot") }
        return viaRoot
    }

    /// - Throws: ``Halt`` if two publications have different column lists for a table: the
    ///   server ends the stream at its first change.
    func checkColumnLists() throws {
        guard session.serverVersion >= 150_000 else { return }
        let published = SourceCatalog(session: session)
            .published(by: configuration.publicationNames)
        let rows = try session.query(
            """
            select schemaname, tablename,
              pg_catalog.array_to_json(pg_catalog.array_agg(pubname order by pubname))
                as publications from (
              select t.pubname, t.schemaname, t.tablename, array(
                select a.attnum from pg_catalog.pg_attribute a
                join pg_catalog.pg_class c on c.oid = a.attrelid and c.relname = t.tablename
                join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                  and n.nspname = t.schemaname
                where a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                  and (t.attnames is null or a.attname = any (t.attnames)) order by 1) as columns
              from (\(published)) t) l
            group by schemaname, tablename having pg_catalog.count(distinct columns) > 1
            order by 1, 2
            """
        ).records
        guard !rows.isEmpty else { return }
        let tables = try rows.map { try $0.table("schemaname", name: "tablename") }
        let drops = try zip(tables, rows).flatMap { table, row in
            try row.strings("publications").dropFirst().map { name in
                "alter publication \(SQLText.identifier(name)) drop table \(table.quoted);"
            }
        }
        throw Halt(
            .preflight,
            """
            The publications have different column lists for \
            \(NameList.text(tables.map(\.description))), which the source refuses to send.
            """,
            advice: ([
                "Give each table the same columns in all of them, or take it out of all but one:"
            ]
                + NameList.lines(drops)).joined(separator: "\n"))
    }

    func checkAllExist() throws {
        let existing = Set(try identities().map(\.name))
        let missing = configuration.publicationNames.filter { !existing.contains($0) }
        guard missing.isEmpty else {
            throw Halt(
                .preflight,
                "The source has no publication \(missing.joined(separator: ", ")).",
                advice: try missingAdvice(missing[0]))
        }
    }

    /// A publication of all tables would make updates of those without a key fail: the command
    /// that checks them first is another.
    private func missingAdvice(_ name: String) throws -> String {
        let existing = try session.query("select pubname from pg_catalog.pg_publication order by 1")
            .texts()
        let tables = configuration.selection.options
            .flatMap { [$0.option, $0.pattern.text] }
        let words =
            ["leat", "publication", "create", name, "--source", configuration.source.printable]
            + (configuration.selection.tables.isEmpty ? ["--tables", "*.*"] : []) + tables
        let making = "To make it, after a check of its tables: \(ShellText.command(words))"
        guard !existing.isEmpty else { return making }
        return "There are: \(NameList.text(existing)).\n\(making)"
    }

    /// The tables that the stream's own publication is to have.
    ///
    /// - Parameters:
    ///   - matchedBefore: See ``SelectionCheck``.
    ///   - isResumed: Whether there may be none: all were dropped since.
    /// - Throws: ``Halt``. What makes a table unfit is another check's: ``SourceCatalog/checkIdentities(of:)``.
    func selectedTables(
        matchedBefore: Set<String> = [], isResumed: Bool
    ) throws -> (tables: [SourceCatalog.Candidate], unmatched: [Selection.Option]) {
        let candidates = try SourceCatalog(session: session).candidates()
        let unmatched = try SelectionCheck(
            session: session, selection: configuration.selection, matchedBefore: matchedBefore
        ).check(among: candidates.map(\.name))
        let wanted = candidates.filter { configuration.wants($0.name) }
        guard !wanted.isEmpty || isResumed else {
            throw Halt(
                .preflight, "No table of the source is selected.",
                advice: configuration.selectionAdvice(among: candidates.map(\.name)))
        }
        try SourceCatalog.checkReadable(wanted.map { "table \($0.name)" })
        return (wanted, unmatched)
    }

    /// Only its owner may add a table to a publication; one that was added by another may stay.
    ///
    /// - Parameter start: The command that starts with a publication of this name.
    func checkMayPublish(
        _ tables: [SourceCatalog.Candidate], start: (String) -> String
    ) throws {
        let names = tables.map(\.name)
        let foreign = Set(
            try session.query(
                """
                select n.nspname, c.relname
                from unnest(\(SQLText.textArray(names.map(\.schema))),
                  \(SQLText.textArray(names.map(\.name)))) v (schema_name, table_name)
                join pg_catalog.pg_namespace n on n.nspname = v.schema_name
                join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.table_name
                where not pg_catalog.pg_has_role(c.relowner, 'usage') and not exists (
                  select from pg_catalog.pg_publication_rel r
                  join pg_catalog.pg_publication p on p.oid = r.prpubid
                  where p.pubname = $1 and r.prrelid = c.oid)
                order by 1, 2
                """, with: [configuration.publicationNames[0]]
            ).tables())
        guard foreign.isEmpty else {
            throw try notOwned(
                tables.filter { foreign.contains($0.name) }, of: tables, beginning: start)
        }
        try checkMayCreate()
    }

    private func notOwned(
        _ foreign: [SourceCatalog.Candidate], of tables: [SourceCatalog.Candidate],
        beginning start: (String) -> String
    ) throws -> Halt {
        let other = configuration.publicationNames[0] + "_pub"
        let advice =
            try identities().isEmpty
            ? """
            On the source, as a superuser:
            create publication \(SQLText.identifier(other)) for table \(Publication.list(tables)) \
            with (publish_via_partition_root = true);
            Then: \(start(other))
            """
            : """
            On the source, as a superuser:
            alter publication \(name) add table \(Publication.list(foreign));
            """
        return Halt(
            .preflight,
            """
            The source role may not publish these tables, for it does not own them: \
            \(NameList.text(foreign.map { "\($0.name)" })).
            """, advice: advice)
    }

    private func checkMayCreate() throws {
        guard try identities().isEmpty else { return }
        let row = try session.query(
            """
            select pg_catalog.current_database() as database,
              pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')
                as may_create
            """
        ).onlyRecord()
        guard try !row.bool("may_create") else { return }
        throw Halt(
            .preflight, "The source role may not create a publication.",
            advice: """
                On the source, as its owner:
                grant create on database \
                \(SQLText.identifier(try row.text("database"))) to \(try session.role());
                """)
    }

    /// Creates the stream's own publication.
    func create(_ tables: [SourceCatalog.Candidate]) throws {
        try session.execute(
            """
            create publication \(name) for table \(Publication.list(tables)) \
            with (publish_via_partition_root = true)
            """)
    }

    /// Brings the stream's own publication to these tables.
    func alter(_ tables: [SourceCatalog.Candidate]) throws {
        var current: [TableName: Bool] = [:]
        for row in try session.query(
            """
            select n.nspname, c.relname, c.relkind = 'p' as is_partitioned
            from pg_catalog.pg_publication_rel r
            join pg_catalog.pg_publication p on p.oid = r.prpubid
            join pg_catalog.pg_class c on c.oid = r.prrelid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where p.pubname = $1
            """, with: [configuration.publicationNames[0]]
        ).records { current[try row.table()] = try row.bool("is_partitioned") }
        let wanted = Set(tables.map(\.name))
        let added = tables.filter { current[$0.name] == nil }
        let removed = current.filter { !wanted.contains($0.key) }.map { name, isPartitioned in
            SourceCatalog.Candidate(
                name: name, isPartitioned: isPartitioned, identityProblem: nil)
        }
        if !added.isEmpty {
            try session.execute("alter publication \(name) add table \(Publication.list(added))")
        }
        if !removed.isEmpty {
            let list = Publication.list(removed)
            try session.execute("alter publication \(name) drop table \(list)")
        }
    }

    private var name: String { SQLText.identifier(configuration.publicationNames[0]) }

    private static func list(_ tables: [SourceCatalog.Candidate]) -> String {
        tables.map { ($0.isPartitioned ? "" : "only ") + $0.name.quoted }.joined(separator: ", ")
    }
}

extension SourceConfiguration {
    /// One of the name that Leat gives its own is there, and nothing says that it has made it.
    ///
    /// - Parameter keeper: What it would be for.
    func foreignPublication(for keeper: String) -> Halt {
        let name = publicationNames[0]
        let word = ShellText.word(name)
        return Halt(
            .preflight, "Publication \(name) exists, but not for this \(keeper).",
            advice: """
                Use it with --publication \(word), or choose another --stream. What reads from it \
                shows: leat publication list \(word) --source \
                \(ShellText.word(source.printable))
                If nothing does: drop publication \(SQLText.identifier(name));
                """)
    }
}
