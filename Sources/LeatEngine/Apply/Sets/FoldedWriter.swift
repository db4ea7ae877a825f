internal import LeatCore
internal import PGClient
internal import PGWire

/// Applies a run's changes as net changes: sets where there are many, statements where few.
///
///     fold ... - stage by COPY - [deletes, updates, few inserts in one pipeline] - insert by COPY
///
/// A change that cannot be folded is a barrier: what its table has so far is applied before it.
/// Tables do not wait for one another, for nothing here looks across tables: one that something
/// fires on is never folded.
struct FoldedWriter {
    let session: Session
    let batch: Batch
    let relations: [RelationStatements?]
    let choice: SetChoice
    /// By the index of the batch's relations; nil where changes stay in the source's order.
    let sets: [RelationSets?]
    /// Other descriptions of the same table in the batch, by the index of the batch's relations.
    private let siblings: [[Int]]

    init(
        session: Session, batch: ResolvedBatch, choice: SetChoice,
        isHeldBack: (TableName) -> Bool
    ) {
        self.session = session
        self.batch = batch.batch
        relations = batch.relations
        self.choice = choice
        let sets = relations.map { relation -> RelationSets? in
            guard let relation, !isHeldBack(relation.plan.target.name) else { return nil }
            return relation.sets
        }
        self.sets = sets
        siblings = FoldedWriter.siblings(of: relations, sets: sets)
    }

    /// By the target's names: on the source they may have changed hands within the batch.
    private static func siblings(
        of relations: [RelationStatements?], sets: [RelationSets?]
    ) -> [[Int]] {
        var described: [TableName: [Int]] = [:]
        for (index, relation) in relations.enumerated() {
            if let relation { described[relation.plan.target.name, default: []].append(index) }
        }
        var siblings: [[Int]] = Array(repeating: [], count: relations.count)
        for indexes in described.values where indexes.count > 1 {
            for index in indexes {
                siblings[index] = indexes.filter { sets[$0] !== sets[index] }
            }
        }
        return siblings
    }

    /// Sends the changes through `writer`; what is sent last is still to be answered.
    func send(
        _ range: Range<Int>, with writer: inout BatchWriter, staging: inout StagingTables
    ) throws {
        forget()
        var start = range.lowerBound
        while let barrier = fold(start..<range.upperBound) {
            try flush(tablesToApply(before: barrier), with: &writer, staging: &staging)
            try writer.send(barrier..<barrier + 1, of: batch, to: relations)
            start = barrier + 1
        }
        try flush(Array(sets.indices), with: &writer, staging: &staging)
    }

    private func forget() {
        for case let sets? in sets { sets.net.removeAll() }
    }

    // MARK: Ahead of its turn

    /// Folds changes that are to be staged before their turn.
    ///
    /// - Returns: Nil if something has to happen between them, or nothing would be staged.
    func foldAhead(
        _ range: Range<Int>, staging: inout StagingTables
    ) throws -> [SetSender]? {
        forget()
        guard fold(range) == nil else { return nil }
        let senders = senders(of: Array(sets.indices), staging: staging)
        try SetSender.unstageMisjudged(senders, staging: &staging)
        return senders.contains(where: \.isStaged) ? senders : nil
    }

    /// Whom a failure is to be charged to: its table, or all if it names none.
    func tables(blamedFor failure: ApplyFailure) -> [TableName] {
        let blamed =
            failure.change.map { index in
                let change = batch.changes[index]
                return change.kind == .truncate ? [] : [Int(change.relation)]
            } ?? Array(sets.indices)
        return blamed.filter { sets[$0] != nil }.compactMap { relations[$0]?.plan.target.name }
    }

    // MARK: Folding

    /// Folds changes up to the first that cannot be, and returns its index.
    private func fold(_ range: Range<Int>) -> Int? {
        let columns = batch.columns.span
        let bytes = batch.bytes.span.bytes
        for index in range {
            let change = batch.changes[index]
            switch change.kind {
            case .message: continue
            case .truncate: return index
            case .insert, .update, .delete: break
            }
            guard let sets = sets[Int(change.relation)] else { return index }
            // The same table by an earlier description: its rows have other columns.
            if siblings[Int(change.relation)].contains(where: isPending) { return index }
            if sets.net.fold(change, at: index, of: columns, in: bytes) == .barrier { return index }
        }
        return nil
    }

    private func isPending(_ relation: Int) -> Bool {
        sets[relation].map { !$0.net.isEmpty } ?? false
    }

    private func tablesToApply(before barrier: Int) -> [Int] {
        let change = batch.changes[barrier]
        let relations =
            change.kind == .truncate
            ? batch.truncates[Int(change.relation)].relations.map(Int.init)
            : [Int(change.relation)]
        return relations.flatMap { [$0] + siblings[$0] }
    }

    // MARK: Applying

    private func flush(
        _ indexes: [Int], with writer: inout BatchWriter, staging: inout StagingTables
    ) throws {
        let senders = senders(of: indexes, staging: staging)
        if senders.contains(where: \.isStaged) {
            try writer.pause()
            try SetSender.unstageMisjudged(senders, staging: &staging)
            try writer.resume()
        }
        for sender in senders { try sender.stage(with: &writer, staging: &staging) }
        try FoldedWriter.sendStaged(senders, with: &writer)
    }

    private func senders(of indexes: [Int], staging: StagingTables) -> [SetSender] {
        // A relation may be described twice in a batch, in the same words: its rows are together.
        var seen: Set<ObjectIdentifier> = []
        return indexes.compactMap { index -> SetSender? in
            guard isPending(index), let sets = sets[index], let statements = relations[index],
                seen.insert(ObjectIdentifier(sets)).inserted
            else { return nil }
            return SetSender(
                sets, statements: statements, session: session, batch: batch, choice: choice,
                staging: staging)
        }
    }

    /// What follows once everything is staged.
    static func sendStaged(_ senders: [SetSender], with writer: inout BatchWriter) throws {
        for sender in senders { try sender.sendChanges(&writer) }
        for sender in senders { try sender.copyInserts(&writer) }
        for sender in senders { sender.forget() }
    }
}
