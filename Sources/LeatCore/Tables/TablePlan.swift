public import PGWire

/// What a start does with each table: the published tables compared with `leat.tables`.
public struct TablePlan: Sendable, Equatable {
    /// A table as the source publishes it now.
    public struct Published: Sendable, Equatable {
        public var table: TableName
        public var id: RelationID
        public var publishing: Publishing
        public var definition: TableDefinition?
        /// Where it goes on the target.
        public var target: TableName

        public init(
            table: TableName, id: RelationID, publishing: Publishing,
            definition: TableDefinition? = nil, target: TableName? = nil
        ) {
            self.table = table
            self.target = target ?? table
            self.id = id
            self.publishing = publishing
            self.definition = definition
        }
    }

    /// A row of `leat.tables`.
    public struct Stored: Sendable, Equatable {
        public var table: TableName
        /// Where it went on the target.
        public var target: TableName
        /// Its name on the source when the stream took it up, if it has another one by now.
        public var former: TableName?
        /// The source's OID; nil in a row from before it was kept.
        public var id: RelationID?
        public var state: TableState
        public var snapshotLSN: LSN?
        public var publishing: Publishing
        public var targetOID: UInt32?
        public var columns: KnownColumns
        public var definitions: KnownDefinitions?
        /// Whether a copy of it may empty the target's table first: its rows are those that were
        /// copied before.
        public var isRefilled = false
        /// The source's WAL when the table was first found to be published no longer.
        public var leavingLSN: LSN?
        /// Why its rows may be others than those that were sent, where only the stream has told.
        public var doubt: String?
        /// With which masks its rows came.
        public var masks = StoredMasks()

        public init(
            table: TableName, id: RelationID?, state: TableState, snapshotLSN: LSN?,
            publishing: Publishing, targetOID: UInt32? = nil,
            columns: KnownColumns = KnownColumns(), target: TableName? = nil
        ) {
            self.table = table
            self.target = target ?? table
            self.id = id
            self.state = state
            self.snapshotLSN = snapshotLSN
            self.publishing = publishing
            self.targetOID = targetOID
            self.columns = columns
        }

        /// The rows on the target are those of this very table, and none of its changes was
        /// left out since they were copied.
        public func continues(_ published: Published) -> Bool {
            reasonToCopy(published) == nil
        }

        /// Why the rows on the target are not enough to go on from.
        public func reasonToCopy(_ published: Published) -> String? {
            if state == .ready, leavingLSN != nil { return "it was not published for a while" }
            if let id, id != published.id { return "it was dropped and made again on the source" }
            return publishing.gap(to: published.publishing)
        }
    }

    /// No row yet, or one of an earlier membership or another table of the name: written as `init` before anything is copied.
    public private(set) var added: [Published] = []
    /// No longer published: the row goes, so that a table that returns is copied again.
    public private(set) var removed: [TableName] = []
    /// Listed earlier, not copied to the end.
    public private(set) var unfinished: [TableName] = []
    public private(set) var ready: [TableName: LSN] = [:]
    /// No longer published since this end of the source's WAL: what they were sent up to there is
    /// still to come, in transactions that other tables have a part in.
    public private(set) var leaving: [TableName: LSN] = [:]
    /// Of those to be copied, the ones whose rows on the target go first, for they are the
    /// stream's own.
    public private(set) var refilled: Set<TableName> = []

    /// Where the stream is, for tables that leave it.
    public struct Departure {
        public var position: LSN
        /// The end of the source's WAL.
        public var sourceEnd: LSN
        /// Whether a table is one that the stream is to follow, and there on the target.
        public var isKept: (TableName) -> Bool

        public init(position: LSN, sourceEnd: LSN, isKept: @escaping (TableName) -> Bool) {
            self.position = position
            self.sourceEnd = sourceEnd
            self.isKept = isKept
        }
    }

    /// - Parameters:
    ///   - stored: Under the names that the source has now: see ``RenamePlan``.
    ///   - doubtful: Tables whose rows may be others than were sent.
    ///   - departure: Nil: what is not published is removed at once.
    public init(
        published: [Published], stored: [Stored], doubtful: Set<TableName> = [],
        departure: Departure? = nil
    ) {
        let rows = Dictionary(
            stored.map { ($0.table, $0) }, uniquingKeysWith: { first, _ in first })
        for table in published {
            guard let row = rows[table.table], row.continues(table),
                !doubtful.contains(table.table)
            else {
                added.append(table)
                continue
            }
            switch row.state {
            case .initial, .dataSync:
                guard row.target == table.target else {
                    // Nothing of it is anywhere: it is copied to where it goes now.
                    added.append(table)
                    continue
                }
                unfinished.append(table.table)
                if row.isRefilled { refilled.insert(table.table) }
            case .ready: ready[table.table] = row.snapshotLSN ?? .zero
            }
        }
        let names = Set(published.map(\.table))
        refilled.formUnion(doubtful.intersection(added.map(\.table)))
        for row in stored where !names.contains(row.table) { leave(row, after: departure) }
    }

    private mutating func leave(_ row: Stored, after departure: Departure?) {
        guard let departure, row.state == .ready, departure.isKept(row.table) else {
            return removed.append(row.table)
        }
        let end = row.leavingLSN ?? departure.sourceEnd
        guard departure.position < end else { return removed.append(row.table) }
        leaving[row.table] = end
    }

    /// The tables to copy before the stream goes on.
    public var pending: [TableName] { (added.map(\.table) + unfinished).sorted() }
}
