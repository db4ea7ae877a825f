/// A type as one catalog describes it: `pg_type`.
public struct CatalogType: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case base = "b"
        case composite = "c"
        case domain = "d"
        case `enum` = "e"
        case pseudo = "p"
        case range = "r"
        case multirange = "m"
    }

    /// A field of a composite type.
    public struct Field: Sendable, Hashable {
        /// Name and type, as `format_type` prints it.
        public var definition: String
        public var typeOID: UInt32

        public init(definition: String, typeOID: UInt32) {
            self.definition = definition
            self.typeOID = typeOID
        }
    }

    public var oid: UInt32
    public var schema: String
    public var name: String
    public var kind: Kind
    /// `typcategory`: `S` for text kinds, `A` for arrays.
    public var category: Character
    /// Labels of an enum, in their order.
    public var labels: [String]
    /// Fields of a composite type, in their order.
    public var fields: [Field]
    /// The OID of an array's element type, a domain's base type or a range's subtype; else 0.
    public var inner: UInt32
    /// `typtypmod` of a domain, -1 otherwise.
    public var modifier: Int32
    /// The extension that it is a part of, and the schema that this is in; nil also where that is
    /// not known.
    public var provider: Provider?

    public struct Provider: Sendable, Hashable {
        public var name: String
        public var schema: String

        public init(name: String, schema: String) {
            self.name = name
            self.schema = schema
        }
    }

    public init(
        oid: UInt32, schema: String, name: String, kind: Kind, category: Character,
        labels: [String] = [], fields: [Field] = [], inner: UInt32 = 0, modifier: Int32 = -1
    ) {
        self.oid = oid
        self.schema = schema
        self.name = name
        self.kind = kind
        self.category = category
        self.labels = labels
        self.fields = fields
        self.inner = inner
        self.modifier = modifier
    }

    public var isBuiltIn: Bool { schema == "pg_catalog" }
}

/// All types of one database, by OID.
public struct TypeCatalog: Sendable {
    private let types: [UInt32: CatalogType]
    /// Whose types they are.
    let server: Server

    /// What shapes the text form of some types, beside the type.
    public struct Server: Sendable, Hashable {
        /// As in `server_version_num`; 0: unknown.
        public var version: Int
        /// The database's, as in `server_encoding`; empty: unknown.
        public var encoding: String

        public init(version: Int = 0, encoding: String = "") {
            self.version = version
            self.encoding = encoding
        }
    }

    public init(_ types: [CatalogType], server: Server = Server()) {
        self.types = Dictionary(types.map { ($0.oid, $0) }, uniquingKeysWith: { first, _ in first })
        self.server = server
    }

    public subscript(oid: UInt32) -> CatalogType? { types[oid] }

    public func named(_ schema: String, name: String) -> CatalogType? {
        types.values.first { $0.schema.isSameName(as: schema) && $0.name.isSameName(as: name) }
    }

    var all: Dictionary<UInt32, CatalogType>.Values { types.values }

    var enums: [CatalogType] {
        types.values.filter { $0.kind == .enum }
            .sorted { ($0.schema, $0.name) < ($1.schema, $1.name) }
    }

    /// With these added, where they are not known.
    public func adding(_ more: [CatalogType]) -> TypeCatalog {
        TypeCatalog(Array(types.values) + more, server: server)
    }

    /// A composite type, or an array of one.
    func isMadeOfFields(_ type: CatalogType) -> Bool {
        let inner = type.category == "A" ? types[type.inner] : nil
        return type.kind == .composite || inner?.kind == .composite
    }

    /// What a domain is made of, with the type modifier that then counts.
    func base(_ type: CatalogType, modifier: Int32) -> (type: CatalogType, modifier: Int32) {
        var (type, modifier) = (type, modifier)
        // Domains do not nest without end; a damaged catalog might.
        for _ in 0..<32 where type.kind == .domain {
            guard let inner = types[type.inner] else { break }
            if modifier < 0 { modifier = type.modifier }
            type = inner
        }
        return (type, modifier)
    }
}
