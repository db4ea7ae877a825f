internal import PGWire

/// Which columns may travel in binary form: types whose binary form means the same on both
/// servers. OIDs do not (`regclass` would become another table), nor do forms that changed
/// between versions (an infinite interval), nor types of extensions.
public struct BinarySafety: Sendable {
    private let sourceTypes: TypeCatalog
    private let targetTypes: TypeCatalog
    /// Both servers know infinite intervals (17 and newer), or neither does.
    private let sameIntervals: Bool

    private static let safe: Set<String> = [
        "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar",
        "name", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "uuid", "json",
        "jsonb", "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "pg_lsn",
        "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
    ]

    public init(sourceTypes: TypeCatalog, targetTypes: TypeCatalog) {
        self.sourceTypes = sourceTypes
        self.targetTypes = targetTypes
        let knowInfinite = [sourceTypes, targetTypes].map { $0.server.version >= 170_000 }
        sameIntervals = knowInfinite[0] == knowInfinite[1]
    }

    /// `table.column` of every column that must be text.
    public func unsafeColumns(_ plan: RelationPlan) -> [String] {
        zip(plan.relation.columns, plan.columns).compactMap { source, target in
            isSafe(source.typeOID, as: target.typeOID) ? nil : "\(plan.target.name).\(source.name)"
        }
    }

    private func isSafe(_ sourceOID: UInt32, as targetOID: UInt32) -> Bool {
        guard let source = sourceTypes[sourceOID], let target = targetTypes[targetOID],
            source.schema == target.schema, source.name == target.name, source.kind == target.kind
        else { return false }
        if source.kind == .enum { return true }
        if source.category == "A" || source.kind == .domain {
            // An array's binary form names its element's OID: only fixed ones are equal. An empty
            // int2vector or oidvector is sent in a form that its own input function rejects.
            let isFixed = source.isBuiltIn && !source.name.hasSuffix("vector")
            return (source.kind == .domain || isFixed) && isSafe(source.inner, as: target.inner)
        }
        guard source.isBuiltIn else { return false }
        return BinarySafety.safe.contains(source.name)
            || (source.name == "interval" && sameIntervals)
    }
}
