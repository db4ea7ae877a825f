internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads of the source's catalog what an archive keeps of it.
struct ArchiveCatalogReader {
    let session: Session
    let configuration: SourceConfiguration

    func tables() throws -> [SourceTable] {
        try SourceCatalog(session: session).publishedTables(of: configuration.publicationNames)
    }

    func catalog() throws -> ArchivedCatalog {
        let (tables, types) = (try tables(), try session.typeCatalog())
        return ArchivedCatalog(
            types: types.used(by: tables).map { ArchivedType($0) },
            tables: tables.map(ArchivedTable.init), extensions: try extensions())
    }

    func description(
        of archive: ArchiveID, system: SystemIdentity, encoding: String
    ) throws -> ArchiveDescription {
        let publications = try Publication(session: session, configuration: configuration)
            .identities()
        var settings = SessionSettings.values
        settings["client_encoding"] = encoding
        return ArchiveDescription(
            archive: archive, stream: configuration.stream.text,
            systemIdentifier: system.systemIdentifier, timeline: system.timeline,
            database: system.database, serverVersion: session.serverVersion,
            serverEncoding: try session.serverEncoding(), encoding: encoding, settings: settings,
            publications: publications.map { .init(name: $0.name, oid: UInt32($0.oid) ?? 0) },
            catalog: try catalog())
    }

    private func extensions() throws -> [ArchivedExtension] {
        try session.query(
            """
            select e.extname, n.nspname, e.extversion from pg_catalog.pg_extension e
            join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by 1
            """
        ).records.map { row in
            ArchivedExtension(
                name: try row.text("extname"), schema: try row.text("nspname"),
                version: try row.text("extversion"))
        }
    }
}

extension TypeCatalog {
    /// The types of the tables' columns, and what they are made of, by OID.
    func used(by tables: [SourceTable]) -> [CatalogType] {
        var found: [UInt32: CatalogType] = [:]
        var wanted = tables.flatMap { $0.relation.columns.map(\.typeOID) }
        while let oid = wanted.popLast() {
            guard found[oid] == nil, let type = self[oid] else { continue }
            found[oid] = type
            wanted.append(type.inner)
            wanted += type.fields.map(\.typeOID)
        }
        return found.values.sorted { $0.oid < $1.oid }
    }
}

extension ArchivedTable {
    init(_ table: SourceTable) {
        self.init(
            table.relation, columns: table.columns, isPartitioned: table.isPartitioned,
            rowFilter: table.rowFilter, unsentKinds: table.unsentKinds,
            unsentGenerated: table.unsentGenerated.map(\.name))
    }
}
