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
    /// With what the tables that have joined are masked.
    private let masks: MaskTransform
    private let known: Mutex<Set<RelationID>>

    init(
        applier: Applier, stream: StreamName, position: LSN, followed: FollowedTables,
        masks: MaskTransform, logger: Logger
    ) {
        self.applier = applier
        self.stream = stream
        self.position = position
        self.masks = masks
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
        let (stream, position) = (stream, position)
        let masks = masks.joined(relation.id)
        let route = applier.handling.renames.route(of: TableName(relation))
        let name = route.source
        enum Obstacle: Error { case madeAgain, isTaken(by: TableName) }
        let joined = try await applier.run { session -> Result<Bool, Obstacle> in
            // One that is missing is found out, and said, by whoever applies the change.
            guard let table = try? TargetTables.resolve(route.target, on: session) else {
                return .success(true)
            }
            let store = TableStore(session: session, stream: stream)
            let rows = try store.read()
            let row = rows.first { $0.table == name }
            if let other = rows.first(where: { $0.target == route.target && $0.table != name }) {
                return .failure(.isTaken(by: other.table))
            }
            if let row, row.id != nil, row.id != relation.id,
                try !TargetTables.isEmpty(table, on: session)
            {
                return .failure(.madeAgain)
            }
            try store.join(route, as: relation.id, at: position, masks: masks)
            return .success(row == nil)
        }
        let isNew: Bool
        switch joined {
        case .success(let value): isNew = value
        case .failure(.madeAgain): return JoiningTables.madeAgain(route)
        case .failure(.isTaken(let other)): return JoiningTables.isTaken(route, by: other)
        }
        if isNew { logger.info("table joins the stream", metadata: ["table": "\(name)"]) }
        return nil
    }

    private static func isTaken(_ route: TableRoute, by other: TableName) -> Halt {
        let name = TablePattern.text(of: route.source)
        return Halt(
            .stoppedOnChange,
            """
            Table \(route.source) would go to table \(route.target) of the target, and table \
            \(other) does already.
            """,
            advice: """
                Give it another name, such as --rename \
                \(ShellText.word("\(name)=\(name)_2"))
                """)
    }

    static func madeAgain(_ route: TableRoute) -> Halt {
        Halt(
            .stoppedOnChange,
            """
            Table \(route.source) was dropped and made again on the source; on the target it still holds \
            the old one's rows.
            """,
            advice: """
                On the target, drop it and create it as the source has it now, or, if its columns \
                are the same:
                truncate table \(route.target.quoted);
                """)
    }
}
