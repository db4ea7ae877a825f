public import PGWire
internal import Synchronization

/// Where a ``Flow`` ends, if anywhere. It may be told while it flows: ``Flow/end(at:)``.
public final class EndPosition: Sendable {
    private let end: Mutex<LSN?>

    init(_ end: LSN?) {
        self.end = Mutex(end)
    }

    /// Transactions that end beyond it are not applied; nil for none such.
    public var lsn: LSN? { end.withLock { $0 } }

    /// What was wanted before and is nearer stays.
    func bring(to place: LSN) {
        end.withLock { $0 = min($0 ?? place, place) }
    }
}
