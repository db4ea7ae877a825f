public import PGWire

/// Folds the changes of one table within a batch into one net change a row.
///
/// Rows are told apart by the bytes of their identity columns, compared in full. Keys that are
/// equal but not identical (1.0 and 1.00) are rows of their own here, which is exact as long as
/// the deletes of a table run before its updates and those before its inserts: two such rows
/// never exist at once, so of two of them the first is always deleted.
///
///     insert, update    insert of what was updated
///     insert, delete    nothing
///     update, update    the later over the earlier; what it did not send stays as the earlier was
///     update, delete    delete
///     delete, insert    replace: DELETE and INSERT
///     key moved         delete of the old key, insert under the new one
///
/// Whole rows are folded otherwise: see `NetTable+WholeRows.swift`.
///
/// What cannot be folded is a *barrier*: everything before it is applied, then it by itself.
public struct NetTable: Sendable {
    public enum Outcome: Sendable {
        case folded
        case barrier
    }

    /// In the order of each row's first change.
    public internal(set) var rows: [NetRow] = []
    /// Tuples put together from several changes, or of an old and a new one.
    public internal(set) var merged: [Column] = []

    /// Indexes of the identity columns; none if the table has no key to fold by, and then only
    /// inserts are folded.
    let key: [Int]
    /// Whether the key is all columns, and each change brings them all.
    let isWholeRows: Bool
    let columnCount: Int
    /// Whether a moved key may become a delete and an insert.
    private let movesKeys: Bool
    let hash = KeyHash()
    private(set) var index = KeyIndex()

    public init(
        key: [Int], columnCount: Int, movesKeys: Bool, isWholeRows: Bool = false
    ) {
        precondition(!isWholeRows || key.count == columnCount, "whole rows are all columns")
        self.key = key
        self.isWholeRows = isWholeRows
        self.columnCount = columnCount
        self.movesKeys = movesKeys
    }

    public var isEmpty: Bool { rows.isEmpty }

    /// Forgets all rows, once they are applied.
    public mutating func removeAll() {
        rows.removeAll(keepingCapacity: true)
        merged.removeAll(keepingCapacity: true)
        index.removeAll()
    }

    // MARK: Folding

    /// - Parameters:
    ///   - position: The change's index in the batch.
    ///   - columns: The batch's columns.
    ///   - bytes: The batch's arena.
    public mutating func fold(
        _ change: Change, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        if isWholeRows { return foldWhole(change, at: position, of: columns, in: bytes) }
        guard !key.isEmpty else { return foldWithoutKey(change, at: position, of: columns) }
        switch change.kind {
        case .insert: return insert(change.new, at: position, of: columns, in: bytes)
        case .delete: return delete(change, at: position, of: columns, in: bytes)
        case .update: return update(change, at: position, of: columns, in: bytes)
        case .truncate, .message: return .barrier
        }
    }

    private mutating func foldWithoutKey(
        _ change: Change, at position: Int, of columns: Span<Column>
    ) -> Outcome {
        guard change.kind == .insert, isWhole(change.new, in: columns) else { return .barrier }
        rows.append(
            NetRow(
                effect: .insert, isMerged: false, isPartial: false, change: UInt32(position),
                key: change.new.first, new: change.new.first))
        return .folded
    }

    private mutating func insert(
        _ new: Tuple, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        guard isWhole(new, in: columns), hasKey(new, in: columns) else { return .barrier }
        return put(new.first, isMerged: false, key: new, at: position, of: columns, in: bytes)
    }

    /// Inserts a row whose new tuple is whole.
    private mutating func put(
        _ new: UInt32, isMerged: Bool, key tuple: Tuple, at position: Int,
        of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        let hash = hash.hash(Int(tuple.first), key: key, of: columns, in: bytes)
        guard let row = find(tuple, hash: hash, of: columns, in: bytes) else {
            append(
                NetRow(
                    effect: .insert, isMerged: isMerged, isPartial: false,
                    change: UInt32(position), key: tuple.first, new: new), hash: hash)
            return .folded
        }
        switch rows[row].effect {
        case .nothing: rows[row].effect = .insert
        case .delete: rows[row].effect = .replace
        case .insert, .update, .replace: return .barrier
        }
        rows[row].new = new
        rows[row].isMerged = isMerged
        rows[row].isPartial = false
        rows[row].change = UInt32(position)
        return .folded
    }

    private mutating func delete(
        _ change: Change, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        guard change.oldKind == .key, hasKey(change.old, in: columns) else { return .barrier }
        return remove(change.old, at: position, of: columns, in: bytes)
    }

    private mutating func remove(
        _ old: Tuple, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        let hash = hash.hash(Int(old.first), key: key, of: columns, in: bytes)
        guard let row = find(old, hash: hash, of: columns, in: bytes) else {
            append(
                NetRow(
                    effect: .delete, isMerged: false, isPartial: false,
                    change: UInt32(position), key: old.first, new: old.first), hash: hash)
            return .folded
        }
        switch rows[row].effect {
        case .insert: rows[row].effect = .nothing
        case .update, .replace: rows[row].effect = .delete
        case .nothing, .delete: return .barrier
        }
        rows[row].change = UInt32(position)
        return .folded
    }

    private mutating func update(
        _ change: Change, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        let old = change.oldKind == .none ? change.new : change.old
        // A key so large that it was not sent again is left to a statement of its own.
        guard change.oldKind != .full, hasKey(old, in: columns), hasKey(change.new, in: columns)
        else {
            return .barrier
        }
        let hash = hash.hash(Int(old.first), key: key, of: columns, in: bytes)
        let row = find(old, hash: hash, of: columns, in: bytes)
        // An update of what is not there is for the target to refuse.
        if let row, !rows[row].inserts && !rows[row].updates { return .barrier }
        guard change.oldKind == .none || !isMove(change, of: columns, in: bytes) else {
            return move(change, from: row, at: position, of: columns, in: bytes)
        }
        let isPartial = !isWhole(change.new, in: columns)
        guard let row else {
            append(
                NetRow(
                    effect: .update, isMerged: false, isPartial: isPartial,
                    change: UInt32(position), key: old.first, new: change.new.first), hash: hash)
            return .folded
        }
        if isPartial {
            merge(change.new, over: row, of: columns)
        } else {
            rows[row].new = change.new.first
            rows[row].isMerged = false
            rows[row].isPartial = false
        }
        rows[row].change = UInt32(position)
        return .folded
    }

    // MARK: Key moves

    /// An old key may come without having changed: then it says nothing.
    private func isMove(
        _ change: Change, of columns: Span<Column>, in bytes: RawSpan
    ) -> Bool {
        for index in 0..<key.count {
            let new = columns[Int(change.new.first) + key[index]]
            let old = columns[Int(change.old.first) + key[index]]
            if !isSame(old, new, in: bytes) { return true }
        }
        return false
    }

    private mutating func move(
        _ change: Change, from row: Int?, at position: Int, of columns: Span<Column>,
        in bytes: RawSpan
    ) -> Outcome {
        // Without an earlier image the values that were not sent are known to the target only.
        // With one they could be put together, at no gain worth the words.
        guard movesKeys, isWhole(change.new, in: columns) else {
            return .barrier
        }
        let hash = hash.hash(Int(change.new.first), key: key, of: columns, in: bytes)
        if let taken = find(change.new, hash: hash, of: columns, in: bytes),
            rows[taken].effect != .nothing,
            rows[taken].effect != .delete
        {
            return .barrier
        }
        guard case .folded = remove(change.old, at: position, of: columns, in: bytes) else {
            return .barrier
        }
        return put(
            change.new.first, isMerged: false, key: change.new, at: position, of: columns, in: bytes
        )
    }

    // MARK: Rows

    mutating func append(_ row: NetRow, hash: UInt32) {
        index.insert(hash, row: rows.count)
        rows.append(row)
    }

    private func find(
        _ tuple: Tuple, hash: UInt32, of columns: Span<Column>, in bytes: RawSpan
    ) -> Int? {
        guard !rows.isEmpty else { return nil }
        var slot = index.home(hash)
        while let entry = index.entry(slot) {
            if entry.hash == hash,
                isSameKey(Int(tuple.first), Int(rows[entry.row].key), of: columns, in: bytes)
            {
                return entry.row
            }
            slot = index.next(slot)
        }
        return nil
    }

    private func isSameKey(
        _ a: Int, _ b: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Bool {
        for index in 0..<key.count
        where !isSame(columns[a + key[index]], columns[b + key[index]], in: bytes) {
            return false
        }
        return true
    }

    func isSame(_ a: Column, _ b: Column, in bytes: RawSpan) -> Bool {
        guard a.kind == b.kind, a.length == b.length else { return false }
        var (x, y) = (Int(a.offset), Int(b.offset))
        let end = x + Int(a.length)
        while x < end {
            // SAFETY: both ranges lie within the arena and have the same length.
            let same =
                unsafe bytes.unsafeLoad(fromByteOffset: x, as: UInt8.self)
                == bytes.unsafeLoad(fromByteOffset: y, as: UInt8.self)
            if !same { return false }
            x += 1
            y += 1
        }
        return true
    }

    private func hasKey(_ tuple: Tuple, in columns: Span<Column>) -> Bool {
        for index in 0..<key.count
        where !columns[Int(tuple.first) + key[index]].hasValue { return false }
        return true
    }

    func isWhole(_ tuple: Tuple, in columns: Span<Column>) -> Bool {
        for index in tuple.range where columns[index].kind == .unchangedTOAST { return false }
        return true
    }

    /// Lays a tuple over a row's earlier image: what was not sent stays as it was there.
    private mutating func merge(_ tuple: Tuple, over row: Int, of columns: Span<Column>) {
        let earlier = rows[row]
        let first = UInt32(merged.count)
        var isPartial = false
        for index in 0..<columnCount {
            var column = columns[Int(tuple.first) + index]
            if column.kind == .unchangedTOAST {
                let place = Int(earlier.new) + index
                column = earlier.isMerged ? merged[place] : columns[place]
                isPartial = isPartial || column.kind == .unchangedTOAST
            }
            merged.append(column)
        }
        rows[row].new = first
        rows[row].isMerged = true
        rows[row].isPartial = isPartial
    }
}
