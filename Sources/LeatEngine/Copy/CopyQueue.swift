internal import Synchronization

/// What is still to copy, largest first: a large one that starts last would be waited for.
final class SizedQueue<Item: Sendable>: Sendable {
    private let left: Mutex<[Item]>

    init(_ items: [Item], bytes: (Item) -> Int) {
        left = Mutex(items.sorted { bytes($0) < bytes($1) })
    }

    func next() -> Item? {
        left.withLock { $0.popLast() }
    }
}

/// The source's tables that are still to copy.
typealias CopyQueue = SizedQueue<SourceTable>

extension CopyQueue {
    convenience init(_ tables: [SourceTable]) {
        self.init(tables, bytes: \.sizeBytes)
    }
}
