internal import LeatCore
internal import PGWire

/// What an applier knows of the tables on both sides: all that it needs to find the way of a
/// relation to the target.
struct TableKnowledge: Sendable {
    var followed = FollowedTables([:])
    var sourceForm: Applier.SourceForm?
    var sourceTypes = TypeCatalog([])
    var targetTypes = TypeCatalog([])
    /// Types that the source does not have any more: there is nothing to wait for.
    var goneTypes: Set<UInt32> = []
    /// The source's columns, as last read.
    var sourceColumns: [RelationID: [SourceColumn]] = [:]
    var knownColumns: [RelationID: KnownColumns] = [:]
    /// What the source's tables were when both sides last agreed, and what they are, as last read.
    var agreed: [RelationID: TableDefinition] = [:]
    var definitions: [RelationID: TableDefinition] = [:]
    /// Relations for which the source's catalog was asked: asking again tells no more.
    var asked: Set<Relation> = []

    /// Takes note that the source's catalog was asked about a relation.
    mutating func ask(_ relation: Relation) {
        asked = asked.filter {
            $0.id != relation.id || $0.repetition >= relation.repetition
                || !$0.isDescribed(as: relation)
        }
        asked.insert(relation)
    }

    func retyping(_ id: RelationID) -> Retyping {
        guard let agreed = agreed[id], let now = definitions[id] else { return Retyping() }
        return Retyping(from: agreed, to: now)
    }
}
