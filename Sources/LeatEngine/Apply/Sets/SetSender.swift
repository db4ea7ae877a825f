internal import LeatCore
internal import PGClient
internal import PGWire

/// Sends the net changes of one relation: deletes, then updates, then inserts.
final class SetSender {
    /// Staged updates that send the same columns.
    private struct Shape {
        var unchanged: [Int]
        var operation: Int
        var rows = 0
    }

    private let sets: RelationSets
    private let statements: RelationStatements
    private let session: Session
    private let batch: Batch
    private(set) var isStaged: Bool
    private let isCopied: Bool
    private let isBinary: Bool
    /// Columns that the deletes of whole rows are joined by; none if there is a key.
    private let joined: [Int]
    private var shapes: [Shape] = []
    private var lastShape = 0

    private var rows: [NetRow] { sets.net.rows }

    init(
        _ sets: RelationSets, statements: RelationStatements, session: Session, batch: Batch,
        choice: SetChoice, staging: StagingTables
    ) {
        self.sets = sets
        self.statements = statements
        self.session = session
        self.batch = batch
        let sizes = sets.net.measure(
            batch.columns.span, widest: SetChoice.widestStagedRow,
            together: sets.plan.target.hasSeveralConstraints)
        joined = sets.scansForRows ? SetSender.joined(sets, in: batch) : []
        isStaged =
            choice.stages(sizes.staged, scans: sets.scansForRows, tables: staging.count)
            && staging.hasRoom(for: sets) && !(sets.scansForRows && joined.isEmpty)
        isCopied = choice.copiesInserts(sizes.inserted)
        isBinary = SetSender.isBinary(sets.net, in: batch, columns: sets.all.count)
    }

    /// Columns by which whole rows are found: they have a value in each that is staged.
    private static func joined(_ sets: RelationSets, in batch: Batch) -> [Int] {
        var columns = SetStatements.quickColumns(sets.plan)
        for row in sets.net.rows where row.deletes && row.isStaged && !columns.isEmpty {
            columns.removeAll { !batch.columns[Int(row.key) + $0].hasValue }
        }
        return columns
    }

    /// A stream sends either form; the first value tells.
    private static func isBinary(_ net: NetTable, in batch: Batch, columns: Int) -> Bool {
        for row in net.rows {
            for column in batch.columns[Int(row.key)..<Int(row.key) + columns]
            where column.hasValue {
                return column.kind == .binary
            }
        }
        return false
    }

    // MARK: Rows

    private typealias Columns = UnsafePointer<Column>

    private struct CopiedRow {
        /// What stands before its columns in a staging table.
        var operation: Int?
        var columns: Columns
        var copies = 1
    }

    /// Of the rows by their keys; made when it is first needed.
    private lazy var keyOrder = rowsByKey()

    private func rowsByKey() -> [Int32] {
        let (columns, bytes) = (batch.columns, batch.bytes)
        return sets.net.rowsByKey(of: columns.span, in: bytes.span.bytes)
    }

    /// Lends the net rows with their key and new tuples.
    ///
    /// - Parameter order: Indexes of the rows; nil: as they came.
    private func forEachRow(
        in order: [Int32]? = nil,
        _ body: (NetRow, _ key: Columns, _ new: Columns, UnsafeRawPointer) throws -> Void
    ) throws {
        try batch.bytes.withUnsafeBytes { arena in
            try batch.columns.withUnsafeBufferPointer { columns in
                try sets.net.merged.withUnsafeBufferPointer { merged in
                    guard let columns = columns.baseAddress else { return }
                    // Without any value in the batch nothing is read from it.
                    let arena = arena.baseAddress ?? UnsafeRawPointer(columns)
                    let rows = rows
                    for place in rows.indices {
                        let row = rows[order.map { Int($0[place]) } ?? place]
                        let merged = row.isMerged ? merged.baseAddress : nil
                        try body(
                            row, columns + Int(row.key), (merged ?? columns) + Int(row.new), arena)
                    }
                }
            }
        }
    }

    /// The rows are applied.
    func forget() {
        sets.net.removeAll()
    }

    private func unchanged(in row: NetRow, new: Columns) -> [Int] {
        row.isPartial ? sets.all.filter { new[$0].kind == .unchangedTOAST } : []
    }

    private func lacks(_ unchanged: [Int], in row: NetRow, new: Columns) -> Bool {
        guard row.isPartial else { return unchanged.isEmpty }
        var found = 0
        for index in sets.all where new[index].kind == .unchangedTOAST {
            guard found < unchanged.count, unchanged[found] == index else { return false }
            found += 1
        }
        return found == unchanged.count
    }

    // MARK: Staging

    /// Leaves out of staging what the target would not find by an index.
    ///
    /// Whole rows are found by a scan and a hash in any case.
    static func unstageMisjudged(
        _ senders: [SetSender], staging: inout StagingTables
    ) throws {
        let staged = senders.filter { $0.isStaged && !$0.sets.scansForRows }
        guard let first = staged.first else { return }
        let misjudged = try first.attempt {
            try staging.misjudged.names(
                among: staged.map(\.sets.plan.target.name), on: first.session)
        }
        for sender in staged where misjudged.contains(sender.sets.plan.target.name) {
            sender.isStaged = false
        }
    }

    /// Makes the staging table, if there is to be one, before any transaction begins.
    func prepareAhead(_ staging: inout StagingTables) throws {
        guard isStaged else { return }
        try attempt { try staging.prepare(for: sets, on: session) }
    }

    /// Fills the staging table, if there is to be one.
    func stage(with writer: inout BatchWriter, staging: inout StagingTables) throws {
        guard isStaged else { return }
        try writer.pause()
        try attempt { try staging.prepare(for: sets, on: session) }
        guard let name = sets.staging?.name else { preconditionFailure("it was just made") }
        let updates = rows.contains { $0.updates && $0.isStaged }
        let columns = updates ? sets.all : sets.key
        let keepsOrder = updates && sets.plan.target.hasSeveralConstraints
        let sql = SetStatements(sets.plan, staging: name)
            .copyToStaging(columns, binary: isBinary)
        _ = try copy(sql, columns: columns, in: keepsOrder ? nil : keyOrder) { row, key, new in
            guard row.isStaged else { return nil }
            if row.deletes {
                let operation =
                    sets.isWholeRows ? row.copies(.delete) : SetStatements.Operation.delete
                return CopiedRow(operation: operation, columns: key)
            }
            let shape = shape(of: row, new: new)
            shapes[shape].rows += 1
            return CopiedRow(operation: shapes[shape].operation, columns: new)
        }
        try writer.resume()
    }

    /// Index of what a staged row's update sends. Most are as the one before.
    private func shape(of row: NetRow, new: Columns) -> Int {
        if lastShape < shapes.count, lacks(shapes[lastShape].unchanged, in: row, new: new) {
            return lastShape
        }
        if let known = shapes.firstIndex(where: { lacks($0.unchanged, in: row, new: new) }) {
            lastShape = known
        } else {
            let unchanged = unchanged(in: row, new: new)
            shapes.append(Shape(unchanged: unchanged, operation: operation(unchanged)))
            lastShape = shapes.count - 1
        }
        return lastShape
    }

    private func operation(_ unchanged: [Int]) -> Int {
        guard let staging = sets.staging else { preconditionFailure("there is a staging table") }
        if let known = staging.updates[unchanged] { return known.operation }
        let operation = SetStatements.Operation.update + staging.updates.count
        sets.staging?.updates[unchanged] = RelationSets.Update(operation: operation)
        return operation
    }

    // MARK: Statements

    /// Sends the deletes, the updates and, unless they are copied, the inserts.
    func sendChanges(_ writer: inout BatchWriter) throws {
        if isStaged {
            try sendDeleteSet(&writer)
        }
        try sendSingles(.delete, with: &writer)
        if isStaged { try sendUpdateSets(&writer) }
        try sendSingles(.update, with: &writer)
        if !isCopied { try sendSingles(.insert, with: &writer) }
    }

    private func sendUpdateSets(_ writer: inout BatchWriter) throws {
        for shape in shapes {
            guard let statement = try updateSet(shape.unchanged, with: &writer) else { continue }
            try writer.sendSet(statement, rows: shape.rows, change: firstChange)
        }
    }

    private var firstChange: Int { Int(rows.first?.change ?? 0) }

    private func sendDeleteSet(_ writer: inout BatchWriter) throws {
        var deleted = 0
        for row in rows where row.isStaged { deleted += row.copies(.delete) }
        guard deleted > 0 else { return }
        if sets.scansForRows { try writer.send(SetStatements.scanSettings) }
        try writer.sendSet(deleteSet(&writer), rows: deleted, change: firstChange)
        if sets.scansForRows { try writer.send(SetStatements.noScanSettings) }
    }

    private func deleteSet(_ writer: inout BatchWriter) throws -> String {
        guard let staging = sets.staging else { preconditionFailure("there is a staging table") }
        if let known = staging.deletes[joined] { return known }
        let statements = SetStatements(sets.plan, staging: staging.name)
        let made = try writer.prepare(
            sets.isWholeRows ? statements.deleteWholeRows(equal: joined) : statements.delete())
        sets.staging?.deletes[joined] = made
        return made
    }

    private func updateSet(_ unchanged: [Int], with writer: inout BatchWriter) throws -> String? {
        guard let staging = sets.staging, let update = staging.updates[unchanged] else {
            preconditionFailure("the rows were staged")
        }
        if let known = update.statement { return known }
        let sql = SetStatements(sets.plan, staging: staging.name)
            .update(operation: update.operation, unchanged: unchanged)
        let made = try sql.map { try writer.prepare($0) }
        sets.staging?.updates[unchanged]?.statement = made
        return made
    }

    private func sendSingles(_ step: NetRow.Step, with writer: inout BatchWriter) throws {
        try forEachRow { row, key, new, arena in
            guard !isStaged || !row.isStaged || step == .insert else { return }
            for _ in 0..<row.copies(step) {
                try writer.send(
                    row, as: step, unchanged: unchanged(in: row, new: new), key: key, new: new,
                    arena: arena, to: statements)
            }
        }
    }

    // MARK: COPY

    /// Inserts by COPY, if they are many.
    func copyInserts(_ writer: inout BatchWriter) throws {
        guard isCopied else { return }
        try writer.pause()
        let sql = SetStatements.copyRows(sets.plan, binary: isBinary)
        var expected = 0
        for row in rows { expected += row.copies(.insert) }
        let order = sets.key.isEmpty || sets.isWholeRows ? nil : keyOrder
        let copied = try copy(sql, columns: sets.all, in: order) { row, _, new in
            CopiedRow(operation: nil, columns: new, copies: row.copies(.insert))
        }
        guard copied == expected else {
            throw ApplyFailure(reason: .rowCount(copied), change: firstChange)
        }
        try writer.resume()
    }

    /// Copies the rows that `body` names, each with an operation or none, and counts them.
    ///
    /// - Parameters:
    ///   - columns: Those sent, in the order of sending.
    ///   - order: That of the rows.
    /// - Throws: ``ApplyFailure`` for what the server says of it.
    private func copy(
        _ sql: String, columns: [Int], in order: [Int32]?,
        row body: (NetRow, Columns, Columns) -> CopiedRow?
    ) throws -> Int {
        try attempt {
            try session.beginCopyIn(sql)
            let buffer = CopyBuffer(isBinary: isBinary)
            buffer.begin()
            try forEachRow(in: order) { row, key, new, arena in
                guard let copied = body(row, key, new) else { return }
                for _ in 0..<copied.copies {
                    guard
                        buffer.append(
                            operation: copied.operation, columns: copied.columns, order: columns,
                            arena: arena)
                    else {
                        try session.abandonCopyIn()
                        throw ApplyFailure(reason: .mixedForms, change: Int(row.change))
                    }
                }
                if buffer.count >= SetSender.chunk { try send(buffer) }
            }
            buffer.end()
            try send(buffer)
            return try session.endCopyIn()
        }
    }

    /// Bytes given to libpq at a time.
    private static let chunk = 60 << 10

    private func send(_ buffer: CopyBuffer) throws {
        try buffer.withBytes { bytes throws(ConnectionError) in
            try session.putCopyData(bytes)
        }
        buffer.removeAll()
    }

    private func attempt<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ConnectionError {
            guard error.code == .server, let server = error.server else { throw error }
            throw ApplyFailure(reason: .server(server), change: firstChange)
        }
    }
}
