public import LeatCore

/// A number of changes, and the bytes of the messages that the server sends for them.
public struct ChangeTally: Hashable, Sendable {
    public var count: Int
    public var bytes: Int

    public init(count: Int = 0, bytes: Int = 0) {
        self.count = count
        self.bytes = bytes
    }

    public static func += (left: inout ChangeTally, right: ChangeTally) {
        left.count += right.count
        left.bytes += right.bytes
    }
}

/// What was done to one table, by kind; or the logical messages of one prefix.
public struct PeekedChanges: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        /// Under the name that it had when its changes were made.
        case table(TableName)
        case messages(prefix: String)
        /// Messages of further prefixes, where there are too many to tell apart.
        case otherMessages
    }

    public enum Operation: UInt8, Hashable, Sendable, CaseIterable {
        case insert, update, delete, truncate, message
    }

    public var subject: Subject
    private var inserts = ChangeTally()
    private var updates = ChangeTally()
    private var deletes = ChangeTally()
    private var truncates = ChangeTally()
    private var messages = ChangeTally()

    public init(_ subject: Subject) {
        self.subject = subject
    }

    public subscript(operation: Operation) -> ChangeTally {
        get {
            switch operation {
            case .insert: inserts
            case .update: updates
            case .delete: deletes
            case .truncate: truncates
            case .message: messages
            }
        }
        set {
            switch operation {
            case .insert: inserts = newValue
            case .update: updates = newValue
            case .delete: deletes = newValue
            case .truncate: truncates = newValue
            case .message: messages = newValue
            }
        }
    }

    /// Of all kinds together.
    public var total: ChangeTally {
        var total = ChangeTally()
        for operation in Operation.allCases { total += self[operation] }
        return total
    }

    public static func += (left: inout PeekedChanges, right: PeekedChanges) {
        for operation in Operation.allCases { left[operation] += right[operation] }
    }
}
