public import LeatCore
public import PGWire

/// What the source's catalog said when a segment, or what follows within it, was begun: as much
/// as a reader needs who has no source to ask.
public struct ArchivedCatalog: Codable, Equatable, Sendable {
    /// The types of the tables' columns, and what those are made of; built-in ones too.
    public var types: [ArchivedType]
    public var tables: [ArchivedTable]
    public var extensions: [ArchivedExtension]

    public init(
        types: [ArchivedType] = [], tables: [ArchivedTable] = [],
        extensions: [ArchivedExtension] = []
    ) {
        self.types = types
        self.tables = tables
        self.extensions = extensions
    }

    func encoded() -> [UInt8] { JSONContent.encode(self) }
}

/// A row of `pg_type`, with what other catalogs tell of it.
public struct ArchivedType: Codable, Hashable, Sendable {
    public struct Field: Codable, Hashable, Sendable {
        /// Name and type, as `format_type` prints it.
        public var definition: String
        public var type: UInt32

        public init(definition: String, type: UInt32) {
            self.definition = definition
            self.type = type
        }
    }

    public var oid: UInt32
    public var schema: String
    public var name: String
    /// `typtype`.
    public var kind: String
    /// `typcategory`.
    public var category: String
    /// Of an enum, in their order.
    public var labels: [String]?
    /// Of a composite type, in their order.
    public var fields: [Field]?
    /// OID of an array's element type, a domain's base type, a range's subtype.
    public var inner: UInt32?
    /// `typtypmod` of a domain.
    public var modifier: Int32?

    public init(_ type: CatalogType) {
        oid = type.oid
        schema = type.schema
        name = type.name
        kind = type.kind.rawValue
        category = String(type.category)
        labels = type.labels.isEmpty ? nil : type.labels
        fields =
            type.fields.isEmpty
            ? nil : type.fields.map { Field(definition: $0.definition, type: $0.typeOID) }
        inner = type.inner == 0 ? nil : type.inner
        modifier = type.modifier < 0 ? nil : type.modifier
    }

    /// Nil for a kind that this version does not know.
    public var type: CatalogType? {
        guard let kind = CatalogType.Kind(rawValue: kind) else { return nil }
        return CatalogType(
            oid: oid, schema: schema, name: name, kind: kind, category: category.first ?? "U",
            labels: labels ?? [],
            fields: (fields ?? []).map { .init(definition: $0.definition, typeOID: $0.type) },
            inner: inner ?? 0, modifier: modifier ?? -1)
    }
}

/// A table as its Relation message describes it, and what else its catalog entries tell.
public struct ArchivedTable: Codable, Hashable, Sendable {
    public struct Column: Codable, Hashable, Sendable {
        /// `attnum`.
        public var number: Int
        public var name: String
        public var type: UInt32
        public var modifier: Int32
        /// Part of the replica identity.
        public var isKey: Bool
        public var isNotNull: Bool
        /// What rows from before the column have in it.
        public var missingValue: String?
        /// The expression of its default.
        public var defaultExpression: String?

        public init(_ sent: RelationColumn, source: SourceColumn) {
            number = source.number
            name = sent.name
            type = sent.typeOID
            modifier = sent.typeModifier
            isKey = sent.isKey
            isNotNull = source.isNotNull
            missingValue = source.missingValue
            defaultExpression = source.defaultExpression
        }
    }

    public var oid: UInt32
    public var schema: String
    public var name: String
    /// `relreplident`: d, n, f or i.
    public var replicaIdentity: String
    public var columns: [Column]
    public var isPartitioned: Bool
    /// SQL condition of the publications' row filters; none: all rows.
    public var rowFilter: String?
    /// Kinds of changes that no publication sends: "updates" and so on.
    public var unsentKinds: [String]
    /// Generated columns, of which no value is sent.
    public var unsentGenerated: [String]

    /// - Parameters:
    ///   - relation: As a Relation message describes it.
    ///   - columns: The relation's columns, in the same order, as the catalog has them.
    public init(
        _ relation: Relation, columns: [SourceColumn], isPartitioned: Bool, rowFilter: String?,
        unsentKinds: [String], unsentGenerated: [String]
    ) {
        oid = relation.id.rawValue
        schema = relation.schema
        name = relation.name
        replicaIdentity = String(UnicodeScalar(relation.replicaIdentity.rawValue))
        self.columns = zip(relation.columns, columns).map { Column($0, source: $1) }
        self.isPartitioned = isPartitioned
        self.rowFilter = rowFilter
        self.unsentKinds = unsentKinds
        self.unsentGenerated = unsentGenerated
    }

    /// As a Relation message describes it. Nil if the replica identity is none.
    public var relation: Relation? {
        guard let byte = replicaIdentity.utf8.first, let identity = ReplicaIdentity(rawValue: byte)
        else { return nil }
        return Relation(
            id: RelationID(rawValue: oid), schema: schema, name: name, replicaIdentity: identity,
            columns: columns.map {
                RelationColumn(
                    isKey: $0.isKey, name: $0.name, typeOID: $0.type, typeModifier: $0.modifier)
            })
    }

    /// As the catalog has them, in the order of the relation's.
    public var sourceColumns: [SourceColumn] {
        columns.map {
            SourceColumn(
                number: $0.number, name: $0.name, typeOID: $0.type, typeModifier: $0.modifier,
                isNotNull: $0.isNotNull, missingValue: $0.missingValue,
                defaultExpression: $0.defaultExpression)
        }
    }
}

/// A row of `pg_extension`.
public struct ArchivedExtension: Codable, Hashable, Sendable {
    public var name: String
    public var schema: String
    public var version: String

    public init(name: String, schema: String, version: String) {
        self.name = name
        self.schema = schema
        self.version = version
    }
}

extension ArchivedCatalog: Validated {
    /// A type that is made of itself has no end.
    var isValid: Bool {
        let parts = Dictionary(
            types.map { ($0.oid, [$0.inner ?? 0] + ($0.fields ?? []).map(\.type)) },
            uniquingKeysWith: { first, _ in first })
        var finished: Set<UInt32> = []
        return parts.keys.allSatisfy {
            ArchivedCatalog.isFinite($0, parts: parts, under: [], finished: &finished)
        }
    }

    private static func isFinite(
        _ type: UInt32, parts: [UInt32: [UInt32]], under above: Set<UInt32>,
        finished: inout Set<UInt32>
    ) -> Bool {
        guard let own = parts[type], !finished.contains(type) else { return true }
        // PostgreSQL's own do not nest so deep.
        guard !above.contains(type), above.count < 1000 else { return false }
        let path = above.union([type])
        for part in own {
            guard isFinite(part, parts: parts, under: path, finished: &finished) else {
                return false
            }
        }
        finished.insert(type)
        return true
    }
}
