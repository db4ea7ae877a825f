/// Whole source transactions in commit order, or a piece of one too large, or a piece of one that
/// is still in progress (``StreamedPiece``).
///
/// The only thing that carries rows from thread to thread: one arena of bytes
/// and flat tables that point into it and into each other by index, so that a
/// row costs no object. Offsets have 32 bits; the decoder refuses what would
/// pass them.
public struct Batch: Sendable {
    /// The arena. A NUL stands behind every value, so that a value's address is
    /// a C string (text from PostgreSQL never holds a NUL itself).
    public var bytes: [UInt8]
    /// Those that the changes refer to, by index.
    public var relations: [Relation]
    /// Types of the relations' columns that are not built in, as far as the stream has named
    /// them.
    public var types: [TypeDescription]
    /// In commit order.
    public var transactions: [Transaction]
    /// In the order of the transactions, within one in the source's order.
    public var changes: [Change]
    /// The columns of all tuples, one tuple behind the other.
    public var columns: [Column]
    /// Referred to by changes of kind `.truncate`.
    public var truncates: [Truncate]
    /// Referred to by changes of kind `.message`.
    public var messages: [LogicalMessage]
    /// Set if this is a piece of one transaction that is in progress on the source.
    public var piece: StreamedPiece?

    /// An empty one.
    public init() {
        bytes = []
        relations = []
        types = []
        transactions = []
        changes = []
        columns = []
        truncates = []
        messages = []
    }

    /// Empties all tables; keeps their memory for the next batch if asked.
    public mutating func removeAll(keepingCapacity: Bool = false) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        relations.removeAll(keepingCapacity: keepingCapacity)
        types.removeAll(keepingCapacity: keepingCapacity)
        transactions.removeAll(keepingCapacity: keepingCapacity)
        changes.removeAll(keepingCapacity: keepingCapacity)
        columns.removeAll(keepingCapacity: keepingCapacity)
        truncates.removeAll(keepingCapacity: keepingCapacity)
        messages.removeAll(keepingCapacity: keepingCapacity)
        piece = nil
    }

    /// Makes room for a little more than another batch holds: what grows step by step is copied at
    /// every step, and takes twice the memory in the end. A batch that one uncommonly large row
    /// made large says nothing of the next.
    public mutating func reserveCapacity(like other: Batch) {
        guard other.bytes.count < Batch.uncommonlyLarge else { return }
        bytes.reserveCapacity(other.bytes.count + other.bytes.count / 8)
        transactions.reserveCapacity(other.transactions.count + other.transactions.count / 8)
        changes.reserveCapacity(other.changes.count + other.changes.count / 8)
        columns.reserveCapacity(other.columns.count + other.columns.count / 8)
    }

    private static let uncommonlyLarge = 64 << 20

    /// Bytes of the arena and the tables, for back-pressure. Names, prefixes and
    /// the lists of truncated tables are not counted.
    public var byteCount: Int {
        bytes.count
            + columns.count * MemoryLayout<Column>.stride
            + changes.count * MemoryLayout<Change>.stride
            + transactions.count * MemoryLayout<Transaction>.stride
            + relations.count * MemoryLayout<Relation>.stride
            + truncates.count * MemoryLayout<Truncate>.stride
            + messages.count * MemoryLayout<LogicalMessage>.stride
    }
}

// MARK: Reading values

extension Batch {
    /// The bytes of a value, without a copy; empty if the column has none.
    ///
    /// - Precondition: `column` is one of this batch.
    @_lifetime(borrow self)
    @inlinable
    public func value(of column: Column) -> RawSpan {
        bytes.span.bytes.extracting(column.range)
    }

    /// The columns of a tuple of this batch.
    @inlinable
    public func columns(of tuple: Tuple) -> ArraySlice<Column> {
        columns[tuple.range]
    }

    /// A value as text for a person to read; nil if the column has none. What is
    /// not UTF-8 is replaced.
    public func text(of column: Column) -> String? {
        column.hasValue ? String(decoding: bytes[column.range], as: UTF8.self) : nil
    }
}
