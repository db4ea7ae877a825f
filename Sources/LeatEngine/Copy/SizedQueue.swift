internal import LeatCatalogs
internal import Logging
internal import Synchronization

/// What is still to copy, largest first: a large one that starts last would be waited for.
final class SizedQueue<Item: Sendable>: Sendable {
    private let left: Mutex<[Item]>
    let count: Int

    init(_ items: [Item], bytes: (Item) -> Int) {
        count = items.count
        left = Mutex(items.sorted { bytes($0) < bytes($1) })
    }

    /// Behind all others.
    func putBack(_ item: Item) {
        left.withLock { $0.insert(item, at: 0) }
    }

    /// - Returns: Also which one it is, from 1 on.
    func numbered() -> (number: Int, item: Item)? {
        left.withLock { left in
            left.popLast().map { (count - left.count, $0) }
        }
    }
}

extension SizedQueue {
    /// So many of the largest have lines of their own in the log; the others only with --verbose.
    static var told: Int { 40 }

    /// Says once that others are copied without a line of their own.
    func level(of number: Int, _ logger: Logger) -> Logger.Level {
        guard number > Self.told else { return .info }
        if number == Self.told + 1 {
            logger.info("copying smaller tables", metadata: ["tables": "\(count - Self.told)"])
        }
        return .debug
    }
}
