import LeatCore
import PGWire

/// A few types as `pg_type` has them, the same on both sides unless a test says otherwise.
enum Types {
    static let builtIn: [CatalogType] = [
        base(16, "bool"), base(20, "int8"), base(21, "int2"), base(23, "int4"),
        base(25, "text", "S"), base(114, "json"), base(142, "xml"), base(600, "point"),
        base(650, "cidr"), base(700, "float4"), base(701, "float8"), base(790, "money"),
        base(869, "inet"), base(1042, "bpchar", "S"), base(1043, "varchar", "S"),
        base(1082, "date"), base(1083, "time"), base(1114, "timestamp"),
        base(1184, "timestamptz"), base(1186, "interval"), base(1266, "timetz"),
        base(1560, "bit"), base(1562, "varbit"), base(1700, "numeric"), base(2205, "regclass"),
        base(3802, "jsonb"), base(3614, "tsvector"), base(17, "bytea"), base(2950, "uuid"),
        base(3904, "int4range", kind: .range, inner: 23),
        array(22, "int2vector", of: 21), array(1007, "_int4", of: 23), array(1016, "_int8", of: 20),
        array(1015, "_varchar", of: 1043),
        array(1231, "_numeric", of: 1700), array(1009, "_text", of: 25),
    ]

    static func base(
        _ oid: UInt32, _ name: String, _ category: Character = "U",
        kind: CatalogType.Kind = .base, inner: UInt32 = 0
    ) -> CatalogType {
        CatalogType(
            oid: oid, schema: "pg_catalog", name: name, kind: kind, category: category,
            inner: inner)
    }

    static func array(
        _ oid: UInt32, _ name: String, of element: UInt32, schema: String = "pg_catalog"
    ) -> CatalogType {
        CatalogType(
            oid: oid, schema: schema, name: name, kind: .base, category: "A", inner: element)
    }

    static func enumeration(_ oid: UInt32, _ name: String, _ labels: [String]) -> CatalogType {
        CatalogType(
            oid: oid, schema: "shop", name: name, kind: .enum, category: "E", labels: labels)
    }

    static func domain(
        _ oid: UInt32, _ name: String, over base: UInt32, _ modifier: Int32 = -1
    ) -> CatalogType {
        CatalogType(
            oid: oid, schema: "shop", name: name, kind: .domain, category: "U", inner: base,
            modifier: modifier)
    }

    static func catalog(
        _ more: CatalogType..., server: TypeCatalog.Server = .init()
    ) -> TypeCatalog {
        TypeCatalog(builtIn + more, server: server)
    }

    static func oid(_ name: String) -> UInt32 {
        builtIn.first { $0.name == name }?.oid ?? 0
    }

    /// `atttypmod` of `varchar(n)` and `char(n)`.
    static func length(_ count: Int32) -> Int32 { count + 4 }

    /// `atttypmod` of `numeric(precision, scale)`.
    static func numeric(_ precision: Int32, _ scale: Int32) -> Int32 {
        (precision << 16 | (scale & 0x7ff)) + 4
    }
}

/// A relation and a target table of the same columns, for tests to vary.
struct TablePair {
    var relation: Relation
    var target: TargetTable
    var sourceTypes = Types.catalog()
    var targetTypes = Types.catalog()

    /// - Parameter columns: Name and type of each; those in `key` are the replica identity.
    init(
        _ columns: [(name: String, type: String)], key: [String] = ["id"],
        identity: ReplicaIdentity = .default, name: String = "item"
    ) {
        relation = Relation(
            id: RelationID(rawValue: 1), schema: "shop", name: name, replicaIdentity: identity,
            columns: columns.map {
                RelationColumn(
                    isKey: identity == .full || key.contains($0.name), name: $0.name,
                    typeOID: Types.oid($0.type))
            })
        target = TargetTable(
            name: TableName(schema: "shop", name: name), kind: .ordinary,
            columns: columns.map { .plain($0.name, $0.type) },
            uniqueIndexes: key.isEmpty
                ? []
                : [
                    .init(
                        isPrimary: true, columns: key,
                        operators: key.map { _ in "OPERATOR(pg_catalog.=)" })
                ])
    }

    func plan(isEmptied: Bool = false) throws(Halt) -> RelationPlan {
        try RelationPlan(
            relation: relation, sourceTypes: sourceTypes, target: target, targetTypes: targetTypes,
            isEmptied: isEmptied)
    }
}

extension TargetTable.Column {
    static func plain(_ name: String, _ type: String) -> Self {
        .init(
            name: name, typeOID: Types.oid(type), typeModifier: -1, definition: type,
            isGenerated: false, identity: .none, isNotNull: false, hasDefault: false)
    }
}
