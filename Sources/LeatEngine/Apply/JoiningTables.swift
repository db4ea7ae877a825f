internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// Takes tables into a stream from an archive at their first change.
///
/// All that was ever published is in the archive, from a table's first row on; so one that
/// appears in the middle needs no copy. What must not happen is that rows of a table which was
/// dropped and made again come to lie beside those of the old one: a drop is not in the stream.
final class JoiningTables: Sendable {
    private let applier: Applier
    private let stream: StreamName
    private let position: LSN
    private let logger: Logger
    private let known: Mutex<Set<RelationID>>

    init(
        applier: Applier, stream: StreamName, position: LSN, followed: FollowedTables,
        logger: Logger
    ) {
        self.applier = applier
        self.stream = stream
        self.position = position
        self.logger = logger
        known = Mutex(Set(followed.ids))
    }

    /// What refuses the changes of relations that the stream has not met before. The others among
    /// them are listed in `leat.tables`, so that a later start knows them by their OIDs.
    func refusals(in batch: Batch) async throws -> [RelationID: Halt] {
        var refused: [RelationID: Halt] = [:]
        for relation in batch.relations where !known.withLock({ $0.contains(relation.id) }) {
            if let halt = try await join(relation) {
                refused[relation.id] = halt
            } else {
                known.withLock { _ = $0.insert(relation.id) }
            }
        }
        return refused
    }

    private func join(_ relation: Relation) async throws -> Halt? {
        let (stream, position, name) = (stream, position, TableName(relation))
        let isNew = try await applier.run { session -> Bool? in
            // One that is missing is found out, and said, by whoever applies the change.
            guard let table = try? TargetTables.resolve(name, on: session) else { return true }
            let store = TableStore(session: session, stream: stream)
            let row = try store.read().first { $0.table == name }
            if let row, row.id != nil, row.id != relation.id,
                try !TargetTables.isEmpty(table, on: session)
            {
                return nil
            }
            try store.join(name, as: relation.id, at: position)
            return row == nil
        }
        guard let isNew else { return JoiningTables.madeAgain(name) }
        if isNew { logger.info("table joins the stream", metadata: ["table": "\(name)"]) }
        return nil
    }

    static func madeAgain(_ name: TableName) -> Halt {
        Halt(
            .stoppedOnChange,
            """
            Table \(name) was dropped and made again on the source; on the target it still holds \
            the old one's rows.
            """,
            advice: """
                On the target, drop it and create it as the source has it now, or, if its columns \
                are the same:
                truncate table \(name.quoted);
                """)
    }
}
