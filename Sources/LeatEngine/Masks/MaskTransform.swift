internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGWire
internal import Synchronization

/// Masks what a stream sends, before the sink sees it: new and old rows, and keys of old rows.
///
/// Which of a description's columns have masks is found out once for each description
/// (``TableMasks``). One that fits nothing known ends the stream: a value in the open cannot be taken
/// back.
final class MaskTransform: BatchTransform {
    private struct State {
        /// The newest of each table.
        var rows: [RelationID: (relation: Relation, rows: RowMasks)] = [:]
        /// Of tables that have joined in the middle of the stream.
        var joined: [RelationID: StoredMasks] = [:]
    }

    private let tables: [RelationID: TableMasks]
    private let source: any SourceDefinitions
    /// For tables that join in the middle of the stream; nil where none does.
    private let rules: MaskRules?
    private let pieces: Pieces?
    private let state = Mutex(State())

    /// For transactions that come while they are in progress: what they have altered themselves, no
    /// catalog shows.
    struct Pieces: Sendable {
        /// Whether some transaction holds the lock on a table that altering it takes.
        var isBeingAltered: @Sendable (RelationID) async throws -> Bool
        /// What begins the run again, without pieces.
        var refusal: @Sendable (_ reason: String) -> any Error
    }

    init(
        _ tables: [RelationID: TableMasks], source: any SourceDefinitions, rules: MaskRules? = nil,
        pieces: Pieces? = nil
    ) {
        self.tables = tables
        self.source = source
        self.rules = rules
        self.pieces = pieces
    }

    /// Whether no table has one, nor any that may join.
    var isEmpty: Bool { tables.isEmpty && rules?.isEmpty ?? true }

    /// With what a table is masked that has joined.
    func joined(_ id: RelationID) -> StoredMasks {
        state.withLock { $0.joined[id] } ?? StoredMasks()
    }

    func transform(_ batch: inout Batch) async throws {
        var masks: [RowMasks] = []
        for relation in batch.relations {
            masks.append(try await rows(of: relation, in: batch))
        }
        guard masks.contains(where: { !$0.isEmpty }) else { return }
        for change in batch.changes where change.kind.isRow {
            let rows = masks[Int(change.relation)]
            guard !rows.isEmpty else { continue }
            do throws(RowMasks.Unreadable) {
                try rows.mask(change.old.range, in: &batch.columns, arena: &batch.bytes)
                try rows.mask(change.new.range, in: &batch.columns, arena: &batch.bytes)
            } catch {
                let relation = batch.relations[Int(change.relation)]
                throw Halt.unreadable(
                    error, of: relation.columns.map(\.name), in: TableName(relation),
                    at: "Stopped at \(change.lsn): ")
            }
        }
    }

    // MARK: Descriptions

    private func rows(of relation: Relation, in batch: Batch) async throws -> RowMasks {
        let known = state.withLock { $0.rows[relation.id] }
        if let known, known.relation == relation { return known.rows }
        let rows = try await found(relation, in: batch)
        state.withLock { $0.rows[relation.id] = (relation, rows) }
        return rows
    }

    private func found(_ relation: Relation, in batch: Batch) async throws -> RowMasks {
        guard let table = tables[relation.id] else {
            return try await join(relation, in: batch)
        }
        // The first description is of what a start has seen, or older.
        if relation.repetition == 0, let rows = table.rows(of: relation) { return rows }
        // Asked before the catalog: an alteration that ends in between is there already.
        if batch.piece == nil {
            try await source.settle(for: batch)
        } else if let pieces, try await pieces.isBeingAltered(relation.id) {
            throw pieces.refusal("the definition of \(table.table), which has masks, is changing.")
        }
        let columns = try await source.columns(for: relation)[relation.id]
        let types = try await source.types()
        guard let rows = table.rows(of: relation, now: columns.map { ($0, types) }) else {
            let reason = "the definition of \(table.table), which has masks, has changed."
            throw batch.piece.flatMap { _ in pieces?.refusal(reason) }
                ?? unknown(relation, in: batch)
        }
        return rows
    }

    /// A table that no start has seen, and that rules may name.
    private func join(_ relation: Relation, in batch: Batch) async throws -> RowMasks {
        let name = TableName(relation)
        guard let rules, !rules.rules(for: [name]).isEmpty else { return RowMasks.none }
        let columns = try await source.columns(for: relation)[relation.id] ?? []
        let types = try await source.types()
        let subject = MaskRules.Subject(name, names: [name], columns: columns)
        try rules.only(for: name).check([subject])
        let masks = try rules.masks(of: subject, types: types)
        let table = TableMasks(
            name, masks: masks, key: rules.key, types: types, now: columns, known: KnownColumns())
        guard let rows = table.rows(of: relation) else { throw unknown(relation, in: batch) }
        state.withLock { $0.joined[relation.id] = masks }
        return rows
    }

    private func unknown(_ relation: Relation, in batch: Batch) -> Halt {
        let index = batch.relations.firstIndex(of: relation) ?? 0
        let place = batch.firstChange(ofRelation: UInt32(index)).map { batch.changes[$0].lsn }
        let table = TableName(relation)
        let pattern = ShellText.word(TablePattern.text(of: table))
        return Halt(
            .stoppedOnChange,
            """
            Stopped at \(place ?? .zero): columns of table \(table), which has masks, were renamed or \
            retyped on the source, and it is not known any more which are to be masked.
            """,
            advice: """
                Nothing of it was applied. Start again, with --mask naming the columns as they are \
                called now. If it stops here again, have the table copied anew: start once with \
                --exclude \(pattern), then again without it and with --truncate.
                """)
    }
}

extension MaskTransform {
    /// The masks of tables that are ready, by the source's OIDs.
    ///
    /// - Parameters:
    ///   - stored: Also tables that are published no longer, and of which something is to come.
    ///   - tables: As the source has them now.
    static func tables(
        _ stored: [TablePlan.Stored], now tables: [SourceTable], by rules: MaskRules,
        types: TypeCatalog
    ) -> [RelationID: TableMasks] {
        var masks: [RelationID: TableMasks] = [:]
        for row in stored where row.state == .ready && !row.masks.isEmpty {
            let table = tables.first { $0.name == row.table }
            guard let id = table?.relation.id ?? row.id else { continue }
            masks[id] = TableMasks(
                row.table, masks: row.masks, key: rules.key, types: types, now: table?.columns,
                known: row.columns)
        }
        return masks
    }
}
