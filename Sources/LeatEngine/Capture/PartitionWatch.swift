internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Watches the partitions of followed tables through the source's catalog: what is attached,
/// detached or dropped there sends nothing.
///
/// Noted in `leat.partitions`, so that neither a restart nor the partition's further life makes
/// it be forgotten; a new copy of the root clears it.
actor PartitionWatch {
    private let configuration: SyncConfiguration
    private let roots: [TableName: RelationID]
    private let logger: Logger
    private let status: SyncStatus
    private var book: PartitionBook?

    init(
        _ configuration: SyncConfiguration, tables: [SourceTable], status: SyncStatus,
        logger: Logger
    ) {
        self.configuration = configuration
        self.status = status
        self.logger = logger
        roots = Dictionary(
            tables.filter(\.isPartitioned).map { ($0.name, $0.relation.id) },
            uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter source: A session of the source that nothing else needs.
    func check(_ source: Connection) async throws {
        guard !roots.isEmpty else { return }
        var book = try await loaded()
        let (known, ids) = (book, Array(roots.values))
        let (found, existing) = try await source.run { session in
            let catalog = PartitionCatalog(session: session)
            let found = try catalog.found(under: ids, known)
            let all = ids.flatMap { known.known(under: $0) }
            return (found, Set(try TableNames(session: session).names(of: all).keys))
        }
        let changed = book.note(found, under: roots, existing: existing)
        if !changed.isEmpty {
            let stream = configuration.stream
            try await onTarget { try PartitionStore(session: $0, stream: stream).keep(changed) }
        }
        self.book = book
        let count = book.changeCount
        status.update { $0.partitionChanges = count }
        for entry in changed { tell(entry) }
    }

    private func loaded() async throws -> PartitionBook {
        if let book { return book }
        let stream = configuration.stream
        return try await onTarget { try PartitionStore(session: $0, stream: stream).read() }
    }

    /// A session of its own, for a moment: the applier's may be within a transaction that is
    /// rolled back.
    private func onTarget<Value: Sendable>(
        _ body: @Sendable (Session) throws -> Value
    ) async throws -> Value {
        let target = try await Connection.open(
            configuration.target, peer: .target, stream: configuration.stream)
        do {
            let value = try await target.run(body)
            await target.close()
            return value
        } catch {
            await target.close()
            throw error
        }
    }

    private func tell(_ entry: PartitionBook.Entry) {
        guard let change = entry.change else { return }
        let root = roots.first { $0.value == entry.root }?.key
        let what =
            switch change {
            case .attached: "was attached with its rows, which are not sent"
            case .detached: "was detached; its rows are still on the target"
            case .dropped: "was dropped; its rows are still on the target"
            }
        logger.warning(
            """
            a partition \(what): do the same there, or copy the table anew; noted until it is \
            copied
            """,
            metadata: [
                "table": "\(root.map(\.description) ?? "?")", "partition": "\(entry.name)",
            ])
    }
}
