/// A row as it stood on the wire: a run of columns in ``Batch/columns``.
public struct Tuple: Sendable, Equatable {
    /// Index of the first column in ``Batch/columns``.
    public var first: UInt32
    /// How many columns it has.
    public var count: UInt16

    /// No tuple, such as the old one of an insert.
    public static var none: Tuple {
        @inlinable get { Tuple(first: 0, count: 0) }
    }

    /// Columns from `first` on.
    @inlinable
    public init(first: UInt32, count: UInt16) {
        self.first = first
        self.count = count
    }

    /// Its place in ``Batch/columns``.
    @inlinable
    public var range: Range<Int> {
        let start = Int(first)
        return start..<start + Int(count)
    }
}
