/// What remains of all changes to one row within a batch.
public struct NetRow: Sendable, Equatable {
    public enum Effect: UInt8, Sendable {
        /// It came and went.
        case nothing
        case insert
        case update
        case delete
        /// Deleted, and another row inserted under its key. Never an update: columns that the
        /// stream does not send start anew.
        case replace
    }

    /// What is done to a table with its rows: in this order.
    public enum Step: Sendable { case delete, update, insert }

    public var effect: Effect
    /// Whether ``new`` lies in the table's ``NetTable/merged`` columns instead of the batch's.
    public var isMerged: Bool
    /// Whether some column of the new tuple was not sent (unchanged TOAST).
    public var isPartial: Bool
    /// Set by ``NetTable/measure(_:widest:together:)``: it is a statement of its own, though others
    /// of its table are staged.
    public var isWide = false
    /// How many rows of these bytes it deletes and inserts, if any: more than one only where rows
    /// are told apart by all of them.
    public var deletedCopies: UInt16 = 1
    public var insertedCopies: UInt16 = 1
    /// Index of the change that was folded in last: for messages.
    public var change: UInt32
    /// First column of the tuple that holds the key, in the batch's columns.
    public var key: UInt32
    /// First column of the new tuple.
    public var new: UInt32

    public var deletes: Bool { effect == .delete || effect == .replace }
    public var inserts: Bool { effect == .insert || effect == .replace }
    public var updates: Bool { effect == .update }

    /// Whether it is among those that are staged, where its table's are.
    public var isStaged: Bool { (deletes || updates) && !isWide }

    public func copies(_ step: Step) -> Int {
        switch step {
        case .delete: deletes ? Int(deletedCopies) : 0
        case .update: updates ? 1 : 0
        case .insert: inserts ? Int(insertedCopies) : 0
        }
    }
}
