internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire
internal import Synchronization

/// In files of the archive: `definitions.json` and `doubts.json`.
///
/// What a crash after each step leaves:
///
/// 1. A batch that truncates was taken: it is noted here in memory only, and nothing is stored. The
///    source sends it again.
/// 2. ``write()``, before the archive's position passes it: a truncate is noted that is not in the
///    archive yet. It has committed, so it will be: the next start may let it explain what the
///    catalog has of it, and does not take it for a new one when it comes again.
/// 3. The position is stored: whichever look comes next, of this run or of a later one, finds the
///    truncate here. It stays until a look has read the source's catalog behind it.
/// 4. A look has found something, and kept it: the next one compares with that.
/// 5. A doubt is kept before the run ends with it; what is known of the table stays as it was, so
///    that the next start finds it, too, if the doubt was lost.
/// 6. A new base is finished. Its manifest has what the tables were in its snapshot, and the next
///    start takes that, because the base is newer than the one that the file began with; it ends
///    the doubts by itself.
final class ArchivedDefinitions: DefinitionKeeper {
    fileprivate struct State {
        var file: DefinitionsFile
        /// Something is noted that is not on disk, and must be before the position passes it.
        var isNoted = false
        /// Transactions that truncate and may come again: what they explain is not to be forgotten.
        var unstored: Set<TransactionID> = []
        /// From then on how far it was looked is a reason to write by itself.
        var due = ContinuousClock.now
        /// As the stream has described them since the start.
        var described: [RelationID: Relation] = [:]
        /// Tables that were empty when they were seen, or had a partition that was.
        var withEmpty: Set<RelationID> = []
        /// Of them, those with changes of a transaction of which more is to come.
        var changing: Set<RelationID> = []

        init(_ file: DefinitionsFile) {
            self.file = file
            findEmpty()
        }
    }

    /// The file grows with the number of tables. A kill costs as much of what is not in doubt.
    private static let interval = Duration.seconds(60)

    private let folder: ArchiveFolder
    private let lock: WriterLock
    private let state: Mutex<State>
    /// Some of them may come again.
    private let atStart: [AppliedTruncate]

    init(in folder: ArchiveFolder, under lock: WriterLock, file: DefinitionsFile) {
        self.folder = folder
        self.lock = lock
        state = Mutex(State(file))
        atStart = file.truncates
    }

    /// - Returns: What was kept, or what the newest base has; nil if nobody has looked.
    static func read(_ folder: ArchiveFolder) throws -> DefinitionsFile? {
        let file = try DefinitionsFile.read(folder)
        guard let base = try folder.bases().last, base.lsn > file?.base ?? .zero else {
            return file
        }
        guard var anew = DefinitionsFile(base) else { return file }
        for id in anew.tables.keys {
            anew.tables[id]?.changed = file?.tables[id].map(\.changed) ?? base.lsn
        }
        return anew
    }

    private func change(_ change: (inout DefinitionsFile) -> Void) throws {
        try state.withLock { state in
            let before = state.file
            change(&state.file)
            state.findEmpty()
            guard state.file != before || state.isNoted else { return }
            try write(&state)
        }
    }

    private func write(_ state: inout State) throws {
        try state.file.write(in: folder, under: lock)
        state.isNoted = false
        state.due = .now + ArchivedDefinitions.interval
    }

    // MARK: What is recorded

    /// Notes what a batch tells of its tables. It is on disk after ``write()``.
    func note(_ batch: Batch) {
        state.withLock { $0.noteChanges(of: batch) }
        guard !batch.truncates.isEmpty else { return }
        let truncates = batch.changes.indices.filter { batch.changes[$0].kind == .truncate }
            .flatMap { batch.truncates(at: $0) }
        state.withLock { state in
            state.file.note(truncates, unlessSeen: atStart)
            state.unstored.formUnion(truncates.map(\.xid))
            state.isNoted = true
        }
    }

    func describe(_ relations: [Relation]) {
        state.withLock { state in
            for relation in relations { state.described[relation.id] = relation }
        }
    }

    /// Before the position passes what was noted.
    func write() throws {
        guard state.withLock({ $0.isNoted }) else { return }
        try change { _ in }
    }

    /// The position has passed all that was noted.
    ///
    /// - Parameter open: But for this transaction, of which the rest is still to come.
    func stored(but open: TransactionID?) {
        state.withLock { state in
            state.unstored = state.unstored.filter { $0 == open }
        }
    }

    /// At the end of a run: also how far it was looked.
    func finish() throws {
        try state.withLock { try write(&$0) }
    }

    /// As last seen.
    var seen: [RelationID: TableDefinition] {
        state.withLock { $0.file.tables.mapValues(\.known.seen) }
    }

    // MARK: DefinitionKeeper

    var takesNewTables: Bool { true }

    func findings(
        from known: KnownDefinitions, to table: SourceTable, _ source: Connection
    ) async throws -> [DefinitionChange.Finding] {
        try await known.unshown(in: table, source)
    }

    /// What was empty at the last look has lost nothing if nothing of its table was recorded since.
    func hasLostNone(
        _ file: UInt32, of table: DefinitionWatch.Table, as definition: TableDefinition,
        on source: Connection
    ) async throws -> Bool? {
        state.withLock { state in
            guard let table = state.file.tables[table.id] else { return false }
            return table.changed == nil && table.known.seen.files[file]?.isEmpty == true
        }
    }

    func keep(
        _ tables: [DefinitionWatch.Table], forgetting truncates: [AppliedTruncate]
    ) async throws -> Bool {
        try change { file in
            for table in tables {
                let before = file.tables[table.id]
                file.tables[table.id] = .init(
                    name: table.name, known: table.definitions, hasLeft: before?.hasLeft ?? false)
                file.tables[table.id]?.changed = before?.changed
            }
            file.truncates.removeAll { truncates.contains($0) }
        }
        return true
    }

    func truncates() async throws -> [AppliedTruncate]? {
        state.withLock { state in
            let stored = state.file.truncates.filter { !state.unstored.contains($0.xid) }
            return stored.isEmpty && !state.unstored.isEmpty ? nil : stored
        }
    }

    func leave(_ tables: [DefinitionWatch.Table], at end: LSN) async throws -> Bool {
        try change { file in
            for table in tables { file.tables[table.id]?.hasLeft = true }
        }
        return true
    }

    /// What a table was stays known: it may be published again.
    func giveUp(_ tables: [TableName]) async throws -> Bool { true }

    func doubt(
        _ table: TableName, because reason: String, at end: LSN, isFoundAgain: Bool
    ) async throws {
        try doubt([table: reason], at: end)
    }

    func doubt(_ tables: [TableName: String], at end: LSN) throws {
        let since = state.withLock { $0.file.checked }
        var doubts = try folder.doubts()
        for (table, reason) in tables.sorted(by: { $0.key < $1.key })
        where !doubts.contains(where: { $0.isOpen && $0.table == table }) {
            doubts.append(ArchiveDoubt(table: table, reason: reason, since: since, noticed: end))
        }
        try DoubtsFile.write(doubts, in: folder, under: lock)
    }

    func looked(upTo position: LSN) async throws {
        try state.withLock { state in
            state.forgetChanges(upTo: position)
            guard position > state.file.checked else { return }
            state.file.checked = position
            if .now >= state.due { try write(&state) }
        }
    }

    /// Nothing of an archive has to follow. What was seen is the base once the stream has described
    /// rows in that way: until then a column may yet be given the type that it had.
    func follow(_ table: inout DefinitionWatch.Table) async throws -> Bool {
        let described = state.withLock { $0.described[table.id] }
        let isShown =
            table.definitions.isSentAlike
            || described.map { table.definitions.isShown(by: $0) } == true
        if isShown { table.definitions.follow() }
        return true
    }
}

extension ArchivedDefinitions.State {
    private static let notYet = LSN(rawValue: .max)

    mutating func findEmpty() {
        withEmpty = Set(
            file.tables.filter { $0.value.known.seen.files.values.contains(where: \.isEmpty) }.keys)
    }

    /// On disk is that there are any, before the position passes the first: of how far they go a
    /// later run needs to know nothing, for it begins behind them.
    mutating func noteChanges(of batch: Batch) {
        let isOpen = batch.piece != nil || batch.transactions.last?.isComplete == false
        let end = batch.transactions.last(where: \.isComplete)?.endLSN
        for relation in batch.relations where withEmpty.contains(relation.id) {
            isNoted = isNoted || file.tables[relation.id]?.changed == nil
            file.tables[relation.id]?.changed = isOpen ? Self.notYet : end ?? Self.notYet
            if isOpen { changing.insert(relation.id) }
        }
        guard let end, !changing.isEmpty, batch.transactions.last?.isComplete == true else {
            return
        }
        for id in changing { file.tables[id]?.changed = end }
        changing = []
    }

    /// A look that began behind them has seen what they did.
    mutating func forgetChanges(upTo position: LSN) {
        for id in withEmpty {
            guard let changed = file.tables[id]?.changed, changed <= position else { continue }
            file.tables[id]?.changed = nil
        }
    }
}

extension DefinitionsFile {
    /// - Parameter seen: What was forgotten of them is in what is known of their tables.
    fileprivate mutating func note(
        _ new: [AppliedTruncate], unlessSeen seen: [AppliedTruncate]
    ) {
        for truncate in new {
            let isSame: (AppliedTruncate) -> Bool = {
                $0.table == truncate.table && $0.xid == truncate.xid
            }
            if let known = truncates.firstIndex(where: isSame) {
                truncates[known].isRefilled = truncates[known].isRefilled || truncate.isRefilled
            } else if !seen.contains(where: isSame) {
                truncates.append(truncate)
            }
        }
    }
}

extension KnownDefinitions {
    func unshown(
        in table: SourceTable, _ source: Connection
    ) async throws -> [DefinitionChange.Finding] {
        let (now, sent) = (table.definition, table.columns.map(\.name))
        guard !now.isSame(as: seen) else { return [] }
        let types =
            isRetyped(in: now, sent: sent)
            ? try await source.run { try $0.typeCatalog() } : TypeCatalog([])
        return unshown(in: now, sent: sent, types: types)
    }
}

extension ArchivedCatalog {
    /// What rows from before a column have in it, also where the source has forgotten it since.
    mutating func keepMissingValues(of known: [RelationID: TableDefinition]) {
        for table in tables.indices {
            guard let seen = known[RelationID(rawValue: tables[table].oid)] else { continue }
            for column in tables[table].columns.indices {
                guard let earlier = seen[tables[table].columns[column].number] else { continue }
                tables[table].columns[column].missingValue = earlier.missingValue
            }
        }
    }
}
