/// Says when to warn of the WAL that a slot keeps: at a limit, and each time it has doubled.
public struct RetainedWAL: Sendable {
    private let limit: UInt64
    /// The next one to warn of.
    private var step: UInt64

    /// - Parameter limit: In bytes, above 0.
    public init(limit: UInt64) {
        self.limit = max(limit, 1)
        step = self.limit
    }

    /// - Returns: Whether to warn. Below the limit it begins anew.
    public mutating func measured(_ bytes: UInt64) -> Bool {
        guard bytes >= limit else {
            step = limit
            return false
        }
        guard bytes >= step else { return false }
        while step <= bytes, step < .max / 2 { step *= 2 }
        return true
    }
}
