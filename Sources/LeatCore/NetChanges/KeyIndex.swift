/// Finds rows by the hash of their key: open addressing, no object an entry.
///
/// Only hashes are kept here; whether two keys are the same is for the caller to compare.
struct KeyIndex: Sendable {
    /// `hash << 32 | row + 1`, or 0 where nothing is. As many as a power of two.
    private var slots: [UInt64] = []
    private var count = 0

    /// Where to look first.
    @inline(__always)
    func home(_ hash: UInt32) -> Int { Int(hash) & (slots.count - 1) }

    @inline(__always)
    func next(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

    /// The row in a slot, with the hash of its key; nil where the search ends.
    @inline(__always)
    func entry(_ slot: Int) -> (hash: UInt32, row: Int)? {
        guard count > 0 else { return nil }
        let value = slots[slot]
        return value == 0
            ? nil : (UInt32(truncatingIfNeeded: value >> 32), Int(value & 0xFFFF_FFFF) - 1)
    }

    mutating func insert(_ hash: UInt32, row: Int) {
        if 2 * (count + 1) > slots.count { grow() }
        place(UInt64(hash) << 32 | UInt64(row + 1))
        count += 1
    }

    private mutating func place(_ value: UInt64) {
        var slot = home(UInt32(truncatingIfNeeded: value >> 32))
        while slots[slot] != 0 { slot = next(slot) }
        slots[slot] = value
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: max(64, 2 * old.count))
        for value in old where value != 0 { place(value) }
    }

    /// Keeps the memory if about as much will be needed again; clearing it has its price, too.
    mutating func removeAll() {
        if slots.count <= 64 * max(count, 16) {
            for slot in slots.indices { slots[slot] = 0 }
        } else {
            slots = []
        }
        count = 0
    }
}
