internal import LeatCore
internal import PGWire

/// What an applier knows of the tables on both sides: all that it needs to find the way of a
/// relation to the target.
struct TableKnowledge: Sendable {
    var followed = FollowedTables([:])
    let leftOut: LeftOutColumns
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

    /// Of tables that were described again: up to which description nothing else had changed when
    /// the catalog was asked, or what has was learned.
    var lookedUpTo: [RelationID: Int] = [:]

    /// Takes note that the source's catalog was asked about a relation, and is not to be asked again.
    mutating func ask(_ relation: Relation) {
        asked.insert(relation)
        lookedUpTo[relation.id] = max(lookedUpTo[relation.id] ?? 0, relation.repetition)
    }

    func isLookedUp(_ relation: Relation) -> Bool {
        relation.repetition <= lookedUpTo[relation.id] ?? 0
    }

    func retyping(_ id: RelationID) -> Retyping {
        guard let agreed = agreed[id], let now = definitions[id] else { return Retyping() }
        return Retyping(from: agreed, to: now)
    }
}
