import PGWire

/// The columns whose values have no time zone and go into one that has: the session's counts.
public struct ZonedColumns: Sendable {
    private let sourceTypes: TypeCatalog
    private let targetTypes: TypeCatalog

    public init(sourceTypes: TypeCatalog, targetTypes: TypeCatalog) {
        self.sourceTypes = sourceTypes
        self.targetTypes = targetTypes
    }

    /// `table.column` of each.
    public func names(_ plan: RelationPlan) -> [String] {
        zip(plan.relation.columns, plan.columns).compactMap { source, target in
            guard let from = sourceTypes[source.typeOID], let to = targetTypes[target.typeOID],
                TypeMatch.asksForZone(
                    source: .init(
                        type: from, modifier: source.typeModifier, catalog: sourceTypes),
                    target: .init(type: to, modifier: -1, catalog: targetTypes))
            else { return nil }
            return "\(plan.target.name).\(source.name)"
        }
    }
}
