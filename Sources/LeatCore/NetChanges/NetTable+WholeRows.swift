internal import PGWire

// Rows that are told apart by all of their bytes: REPLICA IDENTITY FULL.
//
// Rows of the same bytes stand for one another, so they are counted: a net row says how many of
// them are deleted and how many inserted.
//
//     insert    one more to insert
//     delete    one fewer to insert; if none is, one more to delete
//     update    delete of the old row, insert of the new one
//
// A row that is deleted and comes again stays both: that it was there is for the target to say.

extension NetTable {
    /// Where the bytes of a row lie: in the batch's columns, or in ``merged``.
    private struct Image {
        var first: Int
        var isMerged: Bool
    }

    /// More of one row are a barrier: the staging table counts in two bytes.
    static var mostCopies: UInt16 { 30_000 }

    mutating func foldWhole(
        _ change: Change, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        let hasOld = change.oldKind == .full && isWhole(change.old, in: columns)
        switch change.kind {
        case .insert:
            guard isWhole(change.new, in: columns) else { return .barrier }
            return add(image(change.new), holding: change.new, at: position, of: columns, in: bytes)
        case .delete:
            guard hasOld else { return .barrier }
            return take(change.old, at: position, of: columns, in: bytes)
        case .update:
            guard hasOld else { return .barrier }
            return replace(change, at: position, of: columns, in: bytes)
        case .truncate, .message:
            return .barrier
        }
    }

    private func image(_ tuple: Tuple) -> Image {
        Image(first: Int(tuple.first), isMerged: false)
    }

    private mutating func replace(
        _ change: Change, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        let firstMerged = merged.count
        var new = image(change.new)
        if !isWhole(change.new, in: columns) {
            new = Image(first: firstMerged, isMerged: true)
            append(change.new, over: change.old, of: columns)
        }
        // Both or neither.
        guard hasRoom(new, of: columns, in: bytes),
            take(change.old, at: position, of: columns, in: bytes) == .folded
        else {
            merged.removeLast(merged.count - firstMerged)
            return .barrier
        }
        return add(new, holding: change.new, at: position, of: columns, in: bytes)
    }

    /// The old row is whole, and what was not sent again is as it was there.
    private mutating func append(_ new: Tuple, over old: Tuple, of columns: Span<Column>) {
        for index in 0..<columnCount {
            let column = columns[Int(new.first) + index]
            merged.append(
                column.kind == .unchangedTOAST ? columns[Int(old.first) + index] : column)
        }
    }

    private func hasRoom(
        _ image: Image, of columns: Span<Column>, in bytes: RawSpan
    ) -> Bool {
        guard
            let row = find(image, hash: hash(image, of: columns, in: bytes), of: columns, in: bytes)
        else {
            return true
        }
        return rows[row].insertedCopies < NetTable.mostCopies
    }

    // MARK: One row

    private mutating func add(
        _ image: Image, holding tuple: Tuple, at position: Int, of columns: Span<Column>,
        in bytes: RawSpan
    ) -> Outcome {
        let hash = hash(image, of: columns, in: bytes)
        guard let row = find(image, hash: hash, of: columns, in: bytes) else {
            var row = NetRow(
                effect: .insert, isMerged: image.isMerged, isPartial: false,
                change: UInt32(position), key: tuple.first, new: UInt32(image.first))
            row.deletedCopies = 0
            append(row, hash: hash)
            return .folded
        }
        guard rows[row].insertedCopies < NetTable.mostCopies else { return .barrier }
        rows[row].insertedCopies += 1
        rows[row].new = UInt32(image.first)
        rows[row].isMerged = image.isMerged
        settle(row, at: position)
        return .folded
    }

    private mutating func take(
        _ old: Tuple, at position: Int, of columns: Span<Column>, in bytes: RawSpan
    ) -> Outcome {
        let hash = hash(image(old), of: columns, in: bytes)
        guard let row = find(image(old), hash: hash, of: columns, in: bytes) else {
            var row = NetRow(
                effect: .delete, isMerged: false, isPartial: false, change: UInt32(position),
                key: old.first, new: old.first)
            row.insertedCopies = 0
            append(row, hash: hash)
            return .folded
        }
        if rows[row].insertedCopies > 0 {
            rows[row].insertedCopies -= 1
        } else {
            guard rows[row].deletedCopies < NetTable.mostCopies else { return .barrier }
            rows[row].deletedCopies += 1
            rows[row].key = old.first
        }
        settle(row, at: position)
        return .folded
    }

    private mutating func settle(_ row: Int, at position: Int) {
        let (deleted, inserted) = (rows[row].deletedCopies > 0, rows[row].insertedCopies > 0)
        rows[row].effect =
            deleted ? (inserted ? .replace : .delete) : (inserted ? .insert : .nothing)
        rows[row].change = UInt32(position)
    }

    // MARK: Bytes

    private func hash(
        _ image: Image, of columns: Span<Column>, in bytes: RawSpan
    ) -> UInt32 {
        image.isMerged
            ? hash.hash(image.first, key: key, of: merged.span, in: bytes)
            : hash.hash(image.first, key: key, of: columns, in: bytes)
    }

    private func find(
        _ image: Image, hash: UInt32, of columns: Span<Column>, in bytes: RawSpan
    ) -> Int? {
        guard !rows.isEmpty else { return nil }
        var slot = index.home(hash)
        while let entry = index.entry(slot) {
            if entry.hash == hash,
                isSameImage(image, self.image(of: rows[entry.row]), of: columns, in: bytes)
            {
                return entry.row
            }
            slot = index.next(slot)
        }
        return nil
    }

    /// A tuple that is deleted came with the stream; one that was ever inserted may be merged.
    private func image(of row: NetRow) -> Image {
        row.deletedCopies > 0
            ? Image(first: Int(row.key), isMerged: false)
            : Image(first: Int(row.new), isMerged: row.isMerged)
    }

    private func isSameImage(
        _ a: Image, _ b: Image, of columns: Span<Column>, in bytes: RawSpan
    ) -> Bool {
        for index in 0..<columnCount {
            let x = a.isMerged ? merged[a.first + index] : columns[a.first + index]
            let y = b.isMerged ? merged[b.first + index] : columns[b.first + index]
            guard isSame(x, y, in: bytes) else { return false }
        }
        return true
    }
}
