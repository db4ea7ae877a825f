internal import PGWire

/// A transaction of the source, as it should come to the target.
struct SourceTransaction {
    /// None other has it, in whatever history.
    var number: Int
    /// The one with changes for the stream before it in its history; 0 where it is the first.
    var predecessor: Int
    /// The rows for the stream, in order. Each names the transaction.
    var rows: [String]
    var commitLSN: LSN
    var endLSN: LSN
}

/// One record of the source's WAL, as far as decoding it sees.
struct SourceRecord {
    enum Kind {
        /// A row of a followed table, or of another one.
        case row(xid: UInt32, subxid: UInt32, text: String, isFollowed: Bool)
        case rollBackTo(xid: UInt32, subxid: UInt32)
        case rollBack(xid: UInt32)
        case commit(xid: UInt32, time: Int64)
        case other
    }

    var start: LSN
    var end: LSN
    var kind: Kind
}

/// What one source has written: a timeline, or a part of one. A source that takes another's place
/// begins with a copy.
struct SourceHistory {
    var timeline: UInt32 = 1
    /// Where it left the one before.
    var branch: LSN?
    var records: [SourceRecord] = []
    /// Those with changes for the stream.
    var followed: [SourceTransaction] = []
    /// The end of what is written, and of what is on the disk.
    var written: LSN = 0x1000
    var flushed: LSN = 0x1000

    /// Everything before `end`, and nothing else.
    func cut(at end: LSN) -> SourceHistory {
        var rest = self
        rest.records.removeAll { $0.end > end }
        rest.followed.removeAll { $0.endLSN > end }
        rest.written = end
        rest.flushed = end
        return rest
    }
}
