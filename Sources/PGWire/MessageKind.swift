/// The byte that begins a pgoutput message, in protocol versions 1 to 4.
///
/// Source: "Logical Replication Message Formats" in the PostgreSQL manual.
public enum MessageKind: UInt8, Hashable, Sendable, CaseIterable {
    case begin = 0x42  // B
    case commit = 0x43  // C
    case origin = 0x4F  // O
    case relation = 0x52  // R
    case type = 0x59  // Y
    case insert = 0x49  // I
    case update = 0x55  // U
    case delete = 0x44  // D
    case truncate = 0x54  // T
    case message = 0x4D  // M
    /// Begins a block of changes of a transaction still in progress (version 2).
    case streamStart = 0x53  // S
    /// Ends that block.
    case streamStop = 0x45  // E
    case streamCommit = 0x63  // c
    case streamAbort = 0x41  // A
    /// Begins a transaction that ends in ``prepare`` (version 3).
    case beginPrepare = 0x62  // b
    case prepare = 0x50  // P
    case commitPrepared = 0x4B  // K
    case rollbackPrepared = 0x72  // r
    case streamPrepare = 0x70  // p

    /// Whether it carries tuples: Insert, Update or Delete.
    public var isRow: Bool {
        switch self {
        case .insert, .update, .delete: true
        case .begin, .commit, .origin, .relation, .type, .truncate, .message,
            .streamStart, .streamStop, .streamCommit, .streamAbort,
            .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            false
        }
    }

    /// Whether it may stand between Stream Start and Stream Stop.
    ///
    /// Stream Stop counts: it stands at the block's end.
    public var mayStandInStream: Bool {
        switch self {
        case .origin, .relation, .type, .insert, .update, .delete, .truncate, .message,
            .streamStop:
            true
        case .begin, .commit, .streamStart, .streamCommit, .streamAbort,
            .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            false
        }
    }
}
