public import LeatCore
public import PGWire

/// The file `definitions.json`: what the recorded tables are on the source, as far as that tells
/// whether rows have changed without being sent. It does for an archive what `leat.tables.definition`
/// and `leat.truncates` do for a target. A new base begins it anew.
public struct DefinitionsFile: Equatable, Sendable {
    public struct Table: Equatable, Sendable {
        public var name: TableName
        public var known: KnownDefinitions
        /// It was published no longer, and may be again.
        public var hasLeft: Bool
        /// End of its last change that was recorded since a look has seen them all; nil: there is
        /// none. It is noted of tables that have an empty partition, or are empty.
        public var changed: LSN?

        public init(name: TableName, known: KnownDefinitions, hasLeft: Bool = false) {
            self.name = name
            self.known = known
            self.hasLeft = hasLeft
        }
    }

    /// Point of the base that it began with.
    public var base: LSN?
    /// Up to there nothing had changed without being sent, when it was last looked.
    public var checked: LSN
    public var tables: [RelationID: Table]
    /// Recorded, and perhaps newer than what is known of their tables.
    public var truncates: [AppliedTruncate] = []

    public init(base: LSN? = nil, checked: LSN, tables: [RelationID: Table]) {
        self.base = base
        self.checked = checked
        self.tables = tables
    }

    /// As a base has them.
    ///
    /// - Returns: Nil for one of an earlier version, which says nothing of them.
    public init?(_ base: BaseManifest) {
        var tables: [RelationID: Table] = [:]
        for table in base.tables {
            guard let texts = table.definition, let definition = TableDefinition(texts: texts)
            else { return nil }
            tables[RelationID(rawValue: table.oid)] = Table(
                name: TableName(schema: table.schema, name: table.name),
                known: KnownDefinitions(definition))
        }
        self.init(base: base.lsn, checked: base.lsn, tables: tables)
    }

    // MARK: Bytes

    private struct Content: Codable {
        struct Table: Codable {
            var oid: UInt32
            var schema: String
            var name: String
            var definition: [String]
            var seen: [String]?
            var seenLSN: String?
            var hasLeft: Bool?
            var changed: String?
        }

        struct Truncate: Codable {
            var oid: UInt32
            var xid: UInt32
            var isRefilled: Bool
        }

        var base: String?
        var checked: String
        var tables: [Table]
        var truncates: [Truncate]
    }

    private var content: Content {
        Content(
            base: base?.description, checked: checked.description,
            tables: tables.sorted { $0.key.rawValue < $1.key.rawValue }.map { id, table in
                Content.Table(
                    oid: id.rawValue, schema: table.name.schema, name: table.name.name,
                    definition: table.known.base.texts,
                    seen: table.known.isAhead ? table.known.seen.texts : nil,
                    seenLSN: table.known.seenLSN?.description,
                    hasLeft: table.hasLeft ? true : nil, changed: table.changed?.description)
            },
            truncates: truncates.map {
                .init(oid: $0.table.rawValue, xid: $0.xid.rawValue, isRefilled: $0.isRefilled)
            })
    }

    private init(_ content: Content) {
        base = content.base.flatMap { LSN($0) }
        checked = LSN(content.checked) ?? .zero
        tables = [:]
        for table in content.tables {
            // What a later version has written in another form is not known.
            guard let definition = TableDefinition(texts: table.definition) else { continue }
            let id = RelationID(rawValue: table.oid)
            tables[id] = Table(
                name: TableName(schema: table.schema, name: table.name),
                known: KnownDefinitions(
                    base: definition, seen: table.seen.flatMap { TableDefinition(texts: $0) },
                    seenLSN: table.seenLSN.flatMap { LSN($0) }),
                hasLeft: table.hasLeft ?? false)
            tables[id]?.changed = table.changed.flatMap { LSN($0) }
        }
        truncates = content.truncates.map {
            AppliedTruncate(
                table: RelationID(rawValue: $0.oid), xid: TransactionID(rawValue: $0.xid),
                isRefilled: $0.isRefilled)
        }
    }

    static let name = "definitions.json"

    /// Nil if there is none: nobody has looked.
    public static func read(_ folder: ArchiveFolder) throws(ArchiveError) -> DefinitionsFile? {
        try CheckedJSON<Content>(in: folder, named: name).map { DefinitionsFile($0.value) }
    }

    /// On disk when it returns.
    public func write(in folder: ArchiveFolder, under lock: WriterLock) throws(ArchiveError) {
        try CheckedJSON(content).write(in: folder, named: DefinitionsFile.name)
    }
}
