public import PGWire

/// The row function of a table: which columns of a tuple have which mask.
///
/// Rows of a stream and rows of a copy lie in the same form, columns that point into an arena, and pass
/// the same function. A worked example, with `public.users.email=null`: the tuple `1, 'a@b', 'x'`
/// becomes `1, NULL, 'x'`.
public struct RowMasks: Sendable {
    private let masks: [(index: Int, mask: ColumnMask)]

    init(_ masks: [(index: Int, mask: ColumnMask)]) {
        self.masks = masks
    }

    /// Every tuple stays as it is.
    public static let none = RowMasks([])

    /// Whether no column has one.
    public var isEmpty: Bool { masks.isEmpty }

    /// A value came in another form than the mask reads: in binary form, or as none of its type.
    public struct Unreadable: Error {
        /// Of the tuple.
        public var column: Int
    }

    /// Masks the columns of one tuple.
    ///
    /// - Parameters:
    ///   - tuple: Its place in `columns`; empty for none.
    ///   - bytes: The arena; masked values are appended, and those before stay where they are.
    /// - Throws: ``Unreadable``; what was masked before stays so.
    public func mask(
        _ tuple: Range<Int>, in columns: inout [Column], arena bytes: inout [UInt8]
    ) throws(Unreadable) {
        guard !tuple.isEmpty else { return }
        for (index, mask) in masks {
            let place = tuple.lowerBound + index
            guard place < tuple.upperBound, let masked = mask.masked(columns[place], in: &bytes)
            else { throw Unreadable(column: index) }
            columns[place] = masked
        }
    }
}
