internal import LeatCore
public import PGWire

/// What keeps a server's WAL, and how much of it goes when slots are dropped.
///
/// The server removes what lies before the oldest `restart_lsn` of all slots, the redo position
/// of its last checkpoint and `wal_keep_size`, whichever is oldest.
public struct KeptWAL: Sendable, Equatable {
    private let slots: [ServerSlot]
    /// What is kept without any slot.
    private let floor: LSN

    /// - Parameters:
    ///   - redo: Of the last checkpoint: what is after it is kept for a crash.
    ///   - keepBytes: `wal_keep_size`.
    public init(_ slots: [ServerSlot], walEnd: LSN, redo: LSN, keepBytes: Int) {
        self.slots = slots.filter { !$0.isLost && $0.restartLSN != nil }
        let kept = UInt64(clamping: keepBytes)
        floor = min(redo, LSN(rawValue: walEnd.rawValue > kept ? walEnd.rawValue - kept : 0))
    }

    public struct Freed: Sendable, Equatable {
        /// Free after the next checkpoint, in whole segments.
        public var bytes: Int
        /// The slot that keeps what is left before the floor.
        public var keeper: String?

        public init(bytes: Int, keeper: String?) {
            (self.bytes, self.keeper) = (bytes, keeper)
        }
    }

    public func freed(dropping names: Set<String>) -> Freed {
        let left = slots.filter { !names.contains($0.name) }
        let keeper = left.min { ($0.restartLSN ?? .zero) < ($1.restartLSN ?? .zero) }
        let before = oldest(slots)
        let isKeeping = keeper?.restartLSN.map { $0 < floor } ?? false
        return Freed(
            bytes: before.distance(to: oldest(left)), keeper: isKeeping ? keeper?.name : nil)
    }

    private func oldest(_ slots: [ServerSlot]) -> LSN {
        min(slots.compactMap(\.restartLSN).min() ?? floor, floor)
    }
}
