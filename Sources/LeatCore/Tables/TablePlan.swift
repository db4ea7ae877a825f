public import PGWire

/// What a start does with each table: the published tables compared with `leat.tables`.
public struct TablePlan: Sendable, Equatable {
    /// A table as the source publishes it now.
    public struct Published: Sendable, Equatable {
        public var table: TableName
        public var id: RelationID
        public var publishing: Publishing

        public init(table: TableName, id: RelationID, publishing: Publishing) {
            self.table = table
            self.id = id
            self.publishing = publishing
        }
    }

    /// A row of `leat.tables`.
    public struct Stored: Sendable, Equatable {
        public var table: TableName
        /// The source's OID; nil in a row from before it was kept.
        public var id: RelationID?
        public var state: TableState
        public var snapshotLSN: LSN?
        public var publishing: Publishing
        public var targetOID: UInt32?
        public var columns: KnownColumns

        public init(
            table: TableName, id: RelationID?, state: TableState, snapshotLSN: LSN?,
            publishing: Publishing, targetOID: UInt32? = nil,
            columns: KnownColumns = KnownColumns()
        ) {
            self.table = table
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

    /// - Parameter stored: Under the names that the source has now: see ``RenamePlan``.
    public init(published: [Published], stored: [Stored]) {
        let rows = Dictionary(
            stored.map { ($0.table, $0) }, uniquingKeysWith: { first, _ in first })
        for table in published {
            guard let row = rows[table.table], row.continues(table) else {
                added.append(table)
                continue
            }
            switch row.state {
            case .initial, .dataSync: unfinished.append(table.table)
            case .ready: ready[table.table] = row.snapshotLSN ?? .zero
            }
        }
        let names = Set(published.map(\.table))
        removed = stored.map(\.table).filter { !names.contains($0) }
    }

    /// The tables to copy before the stream goes on.
    public var pending: [TableName] { (added.map(\.table) + unfinished).sorted() }
}
