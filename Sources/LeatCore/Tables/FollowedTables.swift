public import PGWire

/// The tables that a stream follows, found by the source's OID.
///
/// A name is not enough to know a table by: names change, and change hands. The stream spells
/// them as they were when the change was made, the catalog as they are now; the OID is the same
/// from the table's creation to its end.
public struct FollowedTables: Sendable {
    public struct Table: Sendable, Equatable {
        /// On the source when the stream started, and in `leat.tables`.
        public var name: TableName { route.source }
        /// Where it goes on the target.
        public var route: TableRoute
        /// What a transaction that committed before it did to the table was copied.
        public var snapshot: LSN
        /// The target's OID of it; nil if it was never seen there.
        public var targetOID: UInt32?
        public var columns: KnownColumns
        /// What the source's table was when both sides last agreed; nil where nobody knows.
        public var definition: TableDefinition?

        public init(
            name: TableName, snapshot: LSN, targetOID: UInt32? = nil,
            columns: KnownColumns = KnownColumns(), definition: TableDefinition? = nil
        ) {
            self.init(
                by: TableRoute(name), snapshot: snapshot, targetOID: targetOID, columns: columns,
                definition: definition)
        }

        public init(
            by route: TableRoute, snapshot: LSN, targetOID: UInt32? = nil,
            columns: KnownColumns = KnownColumns(), definition: TableDefinition? = nil
        ) {
            self.route = route
            self.snapshot = snapshot
            self.targetOID = targetOID
            self.columns = columns
            self.definition = definition
        }
    }

    private let tables: [RelationID: Table]
    private let snapshots: [TableName: LSN]
    /// Whether every table of the stream is followed, whatever it is: an archive takes all that
    /// its publications send.
    public let isEverything: Bool

    /// Every table that the stream speaks of.
    public static let everything = FollowedTables([:], isEverything: true)

    public init(_ tables: [RelationID: Table]) {
        self.init(tables, isEverything: false)
    }

    private init(_ tables: [RelationID: Table], isEverything: Bool) {
        self.tables = tables
        self.isEverything = isEverything
        snapshots = Dictionary(
            tables.values.map { ($0.name, $0.snapshot) }, uniquingKeysWith: max)
    }

    public subscript(id: RelationID) -> Table? { tables[id] }

    /// The snapshot of the table that has this name now.
    public func snapshot(ofName name: TableName) -> LSN? { snapshots[name] }

    public var count: Int { tables.count }
    public var ids: [RelationID] { Array(tables.keys) }
    /// The latest snapshot: the target equals no state of the source before it.
    public var latestSnapshot: LSN? { tables.values.map(\.snapshot).max() }

    /// Where a relation's table goes, whatever the relation is called. Nil for one that is not
    /// followed.
    public func route(of relation: Relation) -> TableRoute? { tables[relation.id]?.route }

    public func isRenamed(_ relation: Relation) -> Bool {
        guard let name = tables[relation.id]?.name else { return false }
        return name != TableName(relation)
    }
}
