internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// Notices rows of followed tables that change on the source without being sent, by what its
/// catalog says of the tables: see ``TableDefinition``.
///
/// It looks at the start, now and then, when the stream describes a table anew, and at the end. The
/// catalog is ahead of the stream, so what is seen is kept beside what the target has followed to
/// (``KnownDefinitions``), both with the position, in `leat.tables`: whatever ends the process, the
/// next start compares from there.
actor DefinitionWatch {
    /// A followed table.
    struct Table: Sendable {
        var id: RelationID
        var name: TableName
        var columns: KnownColumns
        var definitions: KnownDefinitions
        /// Where it goes, if it goes to a target.
        var route: TableRoute

        init(
            id: RelationID, name: TableName, columns: KnownColumns, definitions: KnownDefinitions,
            route: TableRoute? = nil
        ) {
            self.route = route ?? TableRoute(name)
            self.id = id
            self.name = name
            self.columns = columns
            self.definitions = definitions
        }

        /// As it is now.
        init(_ table: SourceTable) {
            self.init(
                id: table.relation.id, name: table.name, columns: KnownColumns(),
                definitions: KnownDefinitions(table.definition))
        }

        /// Whether a column of the target is still that of one which the source has dropped.
        func holdsAnother(_ found: TargetTable.Column, than column: SourceColumn) -> Bool {
            guard let holder = columns.holder(ofTarget: found.number), holder != column.number
            else { return false }
            return definitions.seen[holder] == nil
        }

        /// Whether a column that was followed has the source's name on the target too: whoever reads
        /// there would else take one for another.
        func isNamed(_ column: SourceColumn, on target: TargetTable) -> Bool {
            let known = columns[column.number]?.targetNumber
            let found = target.columns.first { $0.number == known }
            let present = definitions.seen.columns.map(\.name)
            return found.map { route.leads(column.name, to: $0.name, among: present) } ?? true
        }
    }

    /// For whoever finds the ways of relations.
    struct Known: Sendable {
        var agreed: [RelationID: TableDefinition]
        var now: [RelationID: TableDefinition]
    }

    /// A table that may have been unlogged, unless a truncate that is still to come explains it.
    struct Suspicion: Sendable {
        var doubts: [DefinitionChange.Doubt]
        var definition: TableDefinition
        var end: LSN
    }

    private let keeper: any DefinitionKeeper
    /// Completes what is told of tables to be copied anew.
    let advising: @Sendable (Halt) -> Halt
    /// What is stored for good.
    private let position: @Sendable () -> LSN
    private let logger: Logger
    private let leftOut: LeftOutColumns
    /// Of them, what was seen at the last look.
    private var seenLeftOut: [RelationID: [Int: String]] = [:]
    private var tables: [RelationID: Table]
    /// Tables that are published no longer, and the end of the source's WAL when that was seen.
    private var leaving: [TableName: LSN]
    private var suspicions: [RelationID: Suspicion] = [:]
    /// Whether some are kept; the last run may have left some.
    private nonisolated let mayHaveTruncates = Atomic(true)
    private var isLooking = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(
        _ keeper: any DefinitionKeeper, tables: [RelationID: Table],
        suspicions: [RelationID: Suspicion], leaving: [TableName: LSN],
        leftOut: LeftOutColumns, position: @escaping @Sendable () -> LSN,
        advising: @escaping @Sendable (Halt) -> Halt, logger: Logger
    ) {
        self.keeper = keeper
        self.advising = advising
        self.position = position
        self.logger = logger
        self.leftOut = leftOut
        self.tables = tables
        self.suspicions = suspicions
        self.leaving = leaving
    }

    /// The columns of the tables that were published at the last look, with what is known of them
    /// beyond that.
    private(set) var columns: [RelationID: [SourceColumn]] = [:]

    var known: Known {
        Known(
            agreed: tables.mapValues(\.definitions.base),
            now: tables.mapValues(\.definitions.seen))
    }

    /// Truncates of a batch are kept by now, or those of earlier pieces with its last one.
    nonisolated func noteApplied(_ batch: Batch) {
        guard !batch.truncates.isEmpty || batch.piece != nil else { return }
        mayHaveTruncates.store(true, ordering: .sequentiallyConsistent)
    }

    // MARK: Looking

    /// Looks at the source's catalog.
    ///
    /// - Parameters:
    ///   - source: A session of the source that nothing else needs.
    ///   - reached: Up to there the stream has told all that it can, if that is beyond the position.
    ///   - isLast: Whether the stream ends here.
    ///   - read: Reads the tables that are published now.
    /// - Throws: ``Halt`` (exit code 7) if rows of a table may be others than were sent, and
    ///   ``Restart`` where the start is to decide.
    func look(
        _ source: Connection, reached: LSN? = nil, isLast: Bool = false,
        reading read: @Sendable () async throws -> [RelationID: SourceTable]
    ) async throws {
        await beginLook()
        defer { endLook() }
        let stored = position()
        let finished = try await source.run { try SourceCatalog(session: $0).finished() }
        let now = try await read()
        // Behind the reading: no commit that was seen is later.
        let end = try await source.run { try SourceEnd.flushed($0) }
        try checkLeftOut(now, isLast: isLast)
        let reached = max(reached ?? .zero, position())
        // Behind the position: what was told up to there is among them.
        let truncates = try await truncates()
        var found = try await compare(now, truncates: truncates ?? [], at: end, on: source)
        try await noteLeft(now, at: end, reached: reached)
        try await settleSuspicions(
            by: reached, truncates: truncates, changing: &found.changed, on: source)
        columns = now.mapValues { table in
            let known = found.changed[table.relation.id] ?? tables[table.relation.id]
            return table.columns(known?.definitions.seen)
        }
        let stuck = try await follow(by: reached, &found.changed)
        // What they did is in what was read.
        let past = (truncates ?? []).filter {
            finished.contains($0.xid) && !found.undecided.contains($0.table)
        }
        try await keep(found.changed, forgetting: past)
        if found.undecided.isEmpty, suspicions.isEmpty { try await keeper.looked(upTo: stored) }
        // The start says what there is to do.
        if let stuck { throw Restart(reason: "table \(stuck) was altered on the source") }
    }

    /// Whoever alters the target first has from one look to the next to do so on the source.
    private func checkLeftOut(_ now: [RelationID: SourceTable], isLast: Bool) throws {
        let before = seenLeftOut
        seenLeftOut = leftOut.all
        for (id, columns) in seenLeftOut {
            let left = columns.filter { number, _ in
                now[id]?.columns.contains { $0.number == number } ?? false
                    && (isLast || before[id]?[number] != nil)
            }
            guard !left.isEmpty, let table = tables[id] else { continue }
            let doubts = left.values.sorted().map {
                DefinitionChange.Doubt.remadeOnTarget(column: $0)
            }
            throw advising(Halt.doubtful(table.name, by: doubts))
        }
    }

    private struct Findings {
        var changed: [RelationID: Table] = [:]
        /// They wait for a lock, or for what the stream still has to say.
        var undecided: Set<RelationID> = []
    }

    private func compare(
        _ now: [RelationID: SourceTable], truncates: [AppliedTruncate], at end: LSN,
        on source: Connection
    ) async throws -> Findings {
        var found = Findings()
        for (id, table) in now {
            guard let known = tables[id] else {
                if keeper.takesNewTables { found.changed[id] = Table(table) }
                continue
            }
            let told = truncates.filter { $0.table == id }
            switch try await compare(known, with: table, truncates: told, at: end, on: source) {
            case .same: break
            case .new(let new): found.changed[id] = new
            case .waits: found.undecided.insert(id)
            }
        }
        return found
    }

    /// - Returns: A table that the target does not have as it was seen.
    private func follow(
        by reached: LSN, _ changed: inout [RelationID: Table]
    ) async throws -> TableName? {
        var stuck: TableName?
        for (id, known) in tables {
            var table = changed[id] ?? known
            guard table.definitions.isReached(by: reached) else { continue }
            let before = table.definitions
            if try await !keeper.follow(&table) {
                table.definitions.reach()
                stuck = table.name
            }
            if table.definitions != before { changed[id] = table }
        }
        return stuck
    }

    /// Truncates that were applied, and are not known to have been seen.
    ///
    /// - Returns: Nil if they cannot be read now.
    private func truncates() async throws -> [AppliedTruncate]? {
        guard mayHaveTruncates.exchange(false, ordering: .sequentiallyConsistent) else { return [] }
        var truncates: [AppliedTruncate]?
        // Until none is left; nor may a look that is cancelled lose them.
        defer {
            if truncates?.isEmpty != true {
                mayHaveTruncates.store(true, ordering: .sequentiallyConsistent)
            }
        }
        truncates = try await keeper.truncates()
        return truncates
    }

    private func keep(
        _ changed: [RelationID: Table], forgetting truncates: [AppliedTruncate]
    ) async throws {
        guard !changed.isEmpty || !truncates.isEmpty else { return }
        if try await keeper.keep(Array(changed.values), forgetting: truncates) {
            tables.merge(changed) { _, new in new }
        }
    }

    /// What was sent of a table that is published no longer ends here at the latest.
    private func noteLeft(
        _ now: [RelationID: SourceTable], at end: LSN, reached: LSN
    ) async throws {
        let new = tables.values.filter { now[$0.id] == nil && leaving[$0.name] == nil }
        if !new.isEmpty, try await keeper.leave(new, at: end) {
            for table in new { leaving[table.name] = end }
        }
        let gone = leaving.filter { $0.value <= reached }.keys.sorted()
        guard !gone.isEmpty, try await keeper.giveUp(gone) else { return }
        for table in gone {
            leaving[table] = LSN(rawValue: .max)
            logger.info("table is no longer followed", metadata: ["table": "\(table)"])
        }
    }

    private func beginLook() async {
        guard isLooking else {
            isLooking = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func endLook() {
        if waiting.isEmpty { isLooking = false } else { waiting.removeFirst().resume() }
    }

    private enum Comparison {
        case same
        case new(Table)
        /// For a lock on the table, or for what the stream still has to say.
        case waits
    }

    private func compare(
        _ known: Table, with table: SourceTable, truncates: [AppliedTruncate], at end: LSN,
        on source: Connection
    ) async throws -> Comparison {
        let (seen, now) = (known.definitions.seen, table.definition)
        let id = table.relation.id
        guard !now.isSame(as: seen) else {
            suspicions[id] = nil
            return .same
        }
        let change = DefinitionChange(from: seen, to: now, sent: table)
        let returned = known.definitions.returned(to: now, sent: table.columns.map(\.name))
        let more = try await keeper.findings(from: known.definitions, to: table, source)
        guard let standing = try await standing(change.findings + returned + more, on: source)
        else {
            return .waits
        }
        let (soft, hard) = (standing.filter(\.mayBeTruncate), standing.filter { !$0.mayBeTruncate })
        guard hard.isEmpty else {
            throw try await doubtful(known.name, because: hard, at: end, isFoundAgain: true)
        }
        // The start has compared those of a table that it suspects.
        guard (suspicions[id]?.definition ?? seen).generated == now.generated else {
            throw Restart(reason: "generated columns of table \(known.name) were altered")
        }
        guard truncates.explainAtOnce(soft) else {
            if suspicions[id]?.definition.isSame(as: now) != true {
                suspicions[id] = Suspicion(doubts: soft, definition: now, end: end)
            }
            return .waits
        }
        if change.hidesUnlogged { logger.tellHidden(known.name) }
        let suspicion = suspicions.removeValue(forKey: id)
        let isKnown = suspicion?.definition.isSame(as: now) ?? false
        var new = known
        _ = new.definitions.look(now, at: isKnown ? suspicion?.end ?? end : end)
        return .new(new)
    }

    /// - Returns: Nil if a lock on the table stands in the way: it waits for the next look.
    private func standing(
        _ findings: [DefinitionChange.Finding], on source: Connection
    ) async throws -> [DefinitionChange.Doubt]? {
        guard !findings.isEmpty else { return [] }
        return try await source.run { session in
            try SourceCatalog(session: session).standing(findings)
        }
    }

    private func doubtful(
        _ table: TableName, because doubts: [DefinitionChange.Doubt], at end: LSN,
        isFoundAgain: Bool
    ) async throws -> Halt {
        let reason = doubts.map(\.reason).joined(separator: "; ")
        try await keeper.doubt(table, because: reason, at: end, isFoundAgain: isFoundAgain)
        return advising(Halt.doubtful(table, because: reason))
    }

    /// What the stream had to tell of truncates before the source's end of then, it has told.
    private func settleSuspicions(
        by reached: LSN, truncates: [AppliedTruncate]?,
        changing changed: inout [RelationID: Table], on source: Connection
    ) async throws {
        guard let truncates else { return }
        for (id, suspicion) in suspicions where suspicion.end <= reached {
            guard var table = tables[id] else { continue }
            let told = truncates.filter { $0.table == id }
            guard let left = try await doubts(of: suspicion, but: told, in: table, on: source)
            else {
                continue
            }
            guard left.isEmpty else {
                throw try await doubtful(
                    table.name, because: left, at: suspicion.end, isFoundAgain: false)
            }
            tell(
                suspicion.doubts.filter { told.explain($0, among: suspicion.doubts) },
                hiddenBy: told, of: table.name)
            suspicions[id] = nil
            _ = table.definitions.look(suspicion.definition, at: suspicion.end)
            changed[id] = table
        }
    }

    /// - Parameter told: Truncates of the table.
    /// - Returns: Those that are left; nil if that cannot be found out now.
    private func doubts(
        of suspicion: Suspicion, but told: [AppliedTruncate], in table: Table,
        on source: Connection
    ) async throws -> [DefinitionChange.Doubt]? {
        var left: [DefinitionChange.Doubt] = []
        for doubt in suspicion.doubts where !told.explain(doubt, among: suspicion.doubts) {
            let definition = suspicion.definition
            guard case .unlogged(let oid, _, _, _) = doubt, definition.files[oid]?.isEmpty == true
            else {
                left.append(doubt)
                continue
            }
            guard
                let none = try await keeper.hasLostNone(
                    oid, of: table, as: definition, on: source)
            else { return nil }
            if !none { left.append(doubt) }
        }
        return left
    }

    private func tell(
        _ doubts: [DefinitionChange.Doubt], hiddenBy truncates: [AppliedTruncate],
        of table: TableName
    ) {
        guard truncates.hide(doubts) else { return }
        logger.tellHidden(table, because: DefinitionChange.hiddenBehindTruncate)
    }

    /// Keeps a doubt of the stream's, which the next start may not find: what is described there is
    /// the table as it is now.
    ///
    /// - Parameter isCopied: Whether that start copies such a table, whatever else would do.
    func keep(_ halt: Halt, isCopied: Bool) async {
        guard halt.isDoubt || isCopied, let reason = halt.doubtReason,
            let table = halt.copiesAnew.first
        else { return }
        // Without it the stream stops in the same place.
        try? await keeper.doubt(table, because: reason, at: position(), isFoundAgain: false)
    }

    /// A change has met other rows than the source had: what is suspected of its table is so, and
    /// what would have been, had it any of the rows still.
    func confirm(_ id: RelationID) async throws -> Halt? {
        guard let table = tables[id] else { return nil }
        guard let suspicion = suspicions[id] else {
            let columns = table.definitions.rewrittenAhead
            guard !columns.isEmpty else { return nil }
            return try await doubtful(
                table.name, because: columns.map { .rewritten(column: $0) }, at: position(),
                isFoundAgain: false)
        }
        return try await doubtful(
            table.name, because: suspicion.doubts, at: suspicion.end, isFoundAgain: false)
    }
}
