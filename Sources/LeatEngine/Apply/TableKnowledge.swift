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
    /// Relations for which the source's catalog was asked: asking again tells no more.
    var asked: Set<Relation> = []
}
