internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Sends the changes of a batch through a pipeline and checks every answer.
///
/// Within one target transaction:
///
///     begin - prepare, execute, execute ... - position - sync
///
/// and COMMIT only after all answers were read: each update and delete met exactly one row, and
/// the position was still the one that we left. Or, for a few changes, with COMMIT behind them in
/// the same pipeline: then each statement makes the server see to that, and fails otherwise, and
/// after a failure the server passes over what follows.
struct BatchWriter {
    /// What the next answer of the pipeline belongs to.
    private enum Expectation {
        case command
        case change(Int, exactlyOne: Bool)
        /// The row that a change is about: a query.
        case found(Int)
        /// The net changes of many rows; the first one's index.
        case set(rows: Int, change: Int)
        case position
    }

    private let session: Session
    private var expectations: [Expectation] = []
    private var parameters = ParameterList()
    private var sentSinceFlush = 0
    private let cache: StatementCache
    private(set) var isInPipeline = false
    private let defersConstraints: Bool
    /// Whose truncates are noted.
    private let noting: StreamName?
    /// Whether COMMIT follows before the answers are read.
    let commitsAtOnce: Bool
    private var place: String?

    /// Enough to fill a packet many times, few enough to keep libpq's buffer small.
    private static let flushInterval = 512

    /// - Parameters:
    ///   - defersConstraints: Whether the transaction has deferred them.
    ///   - stream: Whose truncates are noted.
    init(
        session: Session, cache: StatementCache, defersConstraints: Bool,
        noting stream: StreamName?,
        commitsAtOnce: Bool = false
    ) throws {
        self.session = session
        self.cache = cache
        self.defersConstraints = defersConstraints
        noting = stream
        self.commitsAtOnce = commitsAtOnce
        try resume()
    }

    mutating func send(_ sql: String, with values: [String] = []) throws {
        try session.sendStatement(sql, with: values)
        expectations.append(.command)
    }

    /// - Parameter name: Of the prepared statement.
    mutating func sendPosition(_ name: String, with values: [String]) throws {
        try session.sendPrepared(name, with: values)
        expectations.append(.position)
    }

    // MARK: Changes

    mutating func send(_ range: Range<Int>, of resolved: ResolvedBatch) throws {
        try send(range, of: resolved.batch, to: resolved.relations)
    }

    /// - Parameter relations: By the index of the batch's relations.
    mutating func send(
        _ range: Range<Int>, of batch: Batch, to relations: [RelationStatements?]
    ) throws {
        try batch.bytes.withUnsafeBytes { arena in
            for index in range {
                let change = batch.changes[index]
                switch change.kind {
                case .insert, .update, .delete:
                    let relation = BatchWriter.known(relations[Int(change.relation)])
                    try send(change, at: index, of: batch, arena: arena, to: relation)
                case .truncate:
                    try sendTruncate(
                        batch.truncates[Int(change.relation)], at: index, of: batch,
                        relations: relations)
                case .message:
                    break
                }
            }
        }
    }

    private static func known(_ relation: RelationStatements?) -> RelationStatements {
        guard let relation else {
            preconditionFailure("changes of a table that does not fit were cut off before")
        }
        return relation
    }

    private mutating func send(
        _ change: Change, at index: Int, of batch: Batch, arena: UnsafeRawBufferPointer,
        to relation: RelationStatements
    ) throws {
        if change.kind != .insert, change.oldKind != .full, relation.plan.needsWholeOldRow {
            throw ApplyFailure(reason: .noIdentity, change: index)
        }
        let prepared: RelationStatements.Prepared?
        switch change.kind {
        case .insert:
            prepared = try relation.insert { try prepare($0) }
        case .delete:
            prepared = try relation.delete(isGuarded: commitsAtOnce) { try prepare($0) }
        case .update:
            if changesUnwritableKey(change, in: batch, by: relation.plan) {
                try sendAsDeleteAndInsert(change, at: index, of: batch, arena: arena, to: relation)
                return
            }
            let unchanged = BatchWriter.unchanged(of: change.new, in: batch)
            prepared = try relation.update(
                old: change.oldKind, unchanged: unchanged, isGuarded: commitsAtOnce
            ) { try prepare($0) }
        case .truncate, .message:
            preconditionFailure("not a row")
        }
        guard let prepared else { return }
        if change.kind != .insert, relation.plan.target.mayLeaveOut {
            let row = try relation.find(old: change.oldKind) { try prepare($0) }
            try execute(
                row, for: change, at: index, of: batch, arena: arena, by: relation.plan,
                expecting: .found(index))
        }
        try execute(prepared, for: change, at: index, of: batch, arena: arena, by: relation.plan)
    }

    /// - Parameter expected: Of the answer; by default one row, or none where a trigger may leave
    ///   it out.
    private mutating func execute(
        _ prepared: RelationStatements.Prepared, for change: Change, at index: Int, of batch: Batch,
        arena: UnsafeRawBufferPointer, by plan: RelationPlan, expecting expected: Expectation? = nil
    ) throws {
        let isCounted = !plan.target.mayLeaveOut && !commitsAtOnce
        let expected = expected ?? .change(index, exactlyOne: isCounted)
        try batch.columns.withUnsafeBufferPointer { columns in
            guard let columns = columns.baseAddress else {
                return try execute(
                    prepared, old: nil, new: nil, at: index, arena: nil, by: plan,
                    expecting: expected)
            }
            try execute(
                prepared, old: columns + Int(change.old.first),
                new: columns + Int(change.new.first),
                at: index, arena: arena.baseAddress, by: plan, expecting: expected)
        }
    }

    private mutating func execute(
        _ prepared: RelationStatements.Prepared, old: UnsafePointer<Column>?,
        new: UnsafePointer<Column>?, at index: Int, arena: UnsafeRawPointer?,
        by plan: RelationPlan, expecting expected: Expectation
    ) throws {
        parameters.removeAll()
        for parameter in prepared.statement.parameters {
            guard let tuple = parameter.isOld ? old : new else {
                preconditionFailure("a statement with parameters has a tuple")
            }
            let column = tuple[parameter.column]
            let value = arena.map { $0 + Int(column.offset) }
            switch (column.kind, value) {
            case (.null, _):
                parameters.appendNull()
            case (.text, let value?):
                parameters.appendText(value, length: Int(column.length))
            case (.binary, let value?):
                parameters.appendBinary(value, length: Int(column.length))
            case (.unchangedTOAST, _), (_, nil):
                throw ApplyFailure(
                    reason: .missingValue(column: plan.columns[parameter.column].name),
                    change: index)
            }
        }
        try session.sendPrepared(prepared.name, with: parameters)
        expectations.append(expected)
        sentSinceFlush += 1
        if sentSinceFlush >= BatchWriter.flushInterval {
            sentSinceFlush = 0
            try session.flushPipeline()
        }
    }

    private mutating func prepare(
        _ statement: ChangeStatement
    ) throws -> RelationStatements.Prepared {
        let name = try cache.prepare(statement.sql, types: statement.types, on: session)
        expectations.append(.command)
        return RelationStatements.Prepared(name: name, statement: statement)
    }

    /// Sends a statement that is run once, as the unnamed one: the next takes its place.
    mutating func sendOnce(
        _ statement: ChangeStatement, for change: Change, at index: Int, of batch: Batch,
        by plan: RelationPlan
    ) throws {
        try session.sendPrepare("", sql: statement.sql, types: statement.types)
        expectations.append(.command)
        let prepared = RelationStatements.Prepared(name: "", statement: statement)
        try batch.bytes.withUnsafeBytes { arena in
            try execute(prepared, for: change, at: index, of: batch, arena: arena, by: plan)
        }
    }

    static func unchanged(of tuple: Tuple, in batch: Batch) -> [Int] {
        var unchanged: [Int] = []
        for index in 0..<Int(tuple.count)
        where batch.columns[Int(tuple.first) + index].kind == .unchangedTOAST {
            unchanged.append(index)
        }
        return unchanged
    }

    /// Whether the update gives a new key to a column that the target generates ALWAYS.
    private func changesUnwritableKey(
        _ change: Change, in batch: Batch, by plan: RelationPlan
    ) -> Bool {
        guard change.oldKind != .none else { return false }
        return plan.identityAlways.contains { index in
            guard plan.relation.columns[index].isKey else { return false }
            let old = batch.columns[Int(change.old.first) + index]
            let new = batch.columns[Int(change.new.first) + index]
            guard new.hasValue else { return false }
            return batch.bytes[old.range] != batch.bytes[new.range]
        }
    }

    /// Such a column takes a value on INSERT only.
    private mutating func sendAsDeleteAndInsert(
        _ change: Change, at index: Int, of batch: Batch, arena: UnsafeRawBufferPointer,
        to relation: RelationStatements
    ) throws {
        let delete = try relation.delete(isGuarded: commitsAtOnce) { try prepare($0) }
        try execute(delete, for: change, at: index, of: batch, arena: arena, by: relation.plan)
        let insert = try relation.insert { try prepare($0) }
        try execute(insert, for: change, at: index, of: batch, arena: arena, by: relation.plan)
    }

    /// CASCADE is not repeated: what it emptied on the source and is published is in the list.
    private mutating func sendTruncate(
        _ truncate: Truncate, at index: Int, of batch: Batch, relations: [RelationStatements?]
    ) throws {
        let targets = truncate.relations.map { BatchWriter.known(relations[Int($0)]).plan.target }
        let tables = targets.map { $0.only + $0.name.quoted }
        // Where the role may not, the sequences follow with all others on a clean stop.
        let restarts = truncate.restartIdentity && targets.allSatisfy(\.canRestartIdentity)
        let restart = restarts ? " restart identity" : ""
        // What earlier transactions of the batch have left to be checked would forbid it.
        if defersConstraints { try send("set constraints all immediate") }
        try session.sendStatement("truncate \(tables.joined(separator: ", "))\(restart)")
        expectations.append(.change(index, exactlyOne: false))
        if defersConstraints { try send("set constraints all deferred") }
        guard let noting else { return }
        let (sql, values) = TruncateStore.note(batch.truncates(at: index), of: noting)
        try send(sql, with: values)
    }

    // MARK: Net changes

    /// Sends one net change of a row as a statement of its own.
    mutating func send(
        _ row: NetRow, as step: NetRow.Step, unchanged: [Int], key: UnsafePointer<Column>,
        new: UnsafePointer<Column>, arena: UnsafeRawPointer, to relation: RelationStatements
    ) throws {
        let prepared: RelationStatements.Prepared?
        switch step {
        case .delete: prepared = try relation.delete { try prepare($0) }
        case .insert: prepared = try relation.insert { try prepare($0) }
        case .update:
            prepared = try relation.update(old: .key, unchanged: unchanged) { try prepare($0) }
        }
        guard let prepared else { return }
        // Tables on which something fires are not folded.
        let expected = Expectation.change(Int(row.change), exactlyOne: true)
        try execute(
            prepared, old: key, new: new, at: Int(row.change), arena: arena, by: relation.plan,
            expecting: expected)
    }

    /// - Returns: The statement's name, for ``sendSet(_:rows:change:)`` or
    ///   ``sendPosition(_:with:)``.
    mutating func prepare(_ sql: String) throws -> String {
        let name = try cache.prepare(sql, on: session)
        expectations.append(.command)
        return name
    }

    /// - Parameter rows: How many it must meet.
    mutating func sendSet(_ name: String, rows: Int, change: Int) throws {
        try session.sendPrepared(name, with: ParameterList())
        expectations.append(.set(rows: rows, change: change))
    }

    // MARK: Answers

    /// Sends what is left, reads every answer and leaves pipeline mode.
    ///
    /// - Returns: The position row's new place, if the position was sent and was ours to move.
    /// - Throws: ``ApplyFailure`` for the first thing that went wrong.
    mutating func finish() throws -> String? {
        try pause()
        return place
    }

    /// Leaves pipeline mode, because COPY cannot be in it; ``resume()`` enters it again.
    ///
    /// - Throws: ``ApplyFailure`` for the first thing that went wrong.
    mutating func pause() throws {
        guard isInPipeline else { return }
        let failure = expectations.isEmpty ? nil : try readAnswers()
        try session.exitPipeline()
        isInPipeline = false
        if let failure { throw failure }
    }

    private mutating func readAnswers() throws -> ApplyFailure? {
        try session.sendSync()
        try session.flushPipeline()
        FailPoint.batchSent.reached()
        if commitsAtOnce { FailPoint.commitSent.reached() }
        var failure: ApplyFailure?
        for expectation in expectations {
            let answer = try session.nextAnswer()
            if failure == nil { failure = check(answer, against: expectation) }
            if case .position = expectation, case .rows(let result) = answer {
                place = try result.firstRecord?.text("ctid")
            }
        }
        guard case .sync = try session.nextAnswer() else {
            preconditionFailure("a pipeline's last answer is its sync")
        }
        expectations.removeAll(keepingCapacity: true)
        return failure
    }

    mutating func resume() throws {
        guard !isInPipeline else { return }
        try session.enterPipeline()
        isInPipeline = true
    }

    private func check(_ answer: PipelineAnswer, against expectation: Expectation) -> ApplyFailure?
    {
        switch (answer, expectation) {
        case (.failed(let error), .change(let index, _)), (.failed(let error), .found(let index)),
            (.failed(let error), .set(_, let index)):
            return ApplyFailure(reason: .server(error), change: index)
        case (.failed(let error), .command), (.failed(let error), .position):
            return ApplyFailure(reason: .server(error), change: nil)
        case (.command(let count), .change(let index, exactlyOne: true)) where count != 1:
            return ApplyFailure(reason: .rowCount(count), change: index)
        case (.rows(let result), .found(let index)) where result.rowCount != 1:
            return ApplyFailure(reason: .rowCount(result.rowCount), change: index)
        case (.command(let count), .set(let rows, let index)) where count != rows:
            return ApplyFailure(reason: .rowCount(count), change: index)
        case (.command, _), (.rows, _), (.skipped, _), (.sync, _):
            return nil
        }
    }
}
