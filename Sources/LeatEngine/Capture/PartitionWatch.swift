internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Watches the partitions of followed tables through the source's catalog: what is attached,
/// detached or dropped there sends nothing.
///
/// A new copy of the root clears what was noted.
actor PartitionWatch {
    private let keeper: any PartitionKeeper
    private let roots: [TableName: RelationID]
    private let logger: Logger
    private let status: JobStatus
    private var book: PartitionBook?

    init(
        _ keeper: any PartitionKeeper, tables: [SourceTable], status: JobStatus, logger: Logger
    ) {
        self.keeper = keeper
        self.status = status
        self.logger = logger
        roots = Dictionary(
            tables.filter(\.isPartitioned).map { ($0.name, $0.relation.id) },
            uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter source: A session of the source that nothing else needs.
    func check(_ source: Connection) async throws {
        guard !roots.isEmpty, let known = try await loaded() else { return }
        var book = known
        let ids = Array(roots.values)
        let (found, existing) = try await source.run { session in
            let catalog = PartitionCatalog(session: session)
            let found = try catalog.found(under: ids, known)
            let all = ids.flatMap { known.known(under: $0) }
            return (found, Set(try TableNames(session: session).names(of: all).keys))
        }
        let changed = book.note(found, under: roots, existing: existing)
        // What is not kept is found again by the next look.
        if !changed.isEmpty {
            guard try await keeper.keep(changed, of: book) else { return }
        }
        self.book = book
        let count = book.changeCount
        status.update { $0.partitionChanges = count }
        for entry in changed { tell(entry) }
    }

    private func loaded() async throws -> PartitionBook? {
        if let book { return book }
        return try await keeper.read()
    }

    private func tell(_ entry: PartitionBook.Entry) {
        guard let change = entry.change else { return }
        let root = roots.first { $0.value == entry.root }?.key
        logger.warning(
            "\(keeper.explanation(of: change))",
            metadata: [
                "table": "\(root.map(\.description) ?? "?")", "partition": "\(entry.name)",
            ])
    }
}
