/// Tells whether transactions come so fast that each on its own would be a waste.
///
/// One at a time a small transaction costs all processes together a third of a millisecond, most
/// of it for being woken; dozens at a time a tenth of that. So from some rate on they are gathered
/// for a moment: the source, which may be the same machine, keeps its processors.
public struct TransactionRate: Sendable {
    /// Transactions a second from which on the rate is high, and below which it no longer is.
    static let high = 1500.0
    static let low = 1000.0
    /// Long enough for chance not to matter.
    static let window: Duration = .milliseconds(50)

    public private(set) var isHigh = false
    private var count = 0
    private var began: ContinuousClock.Instant?

    public init() {}

    /// So many transactions have ended.
    public mutating func ended(_ transactions: Int, at now: ContinuousClock.Instant) {
        guard let began else {
            began = now
            return
        }
        count += transactions
        let elapsed = now - began
        guard elapsed >= TransactionRate.window else { return }
        let limit = isHigh ? TransactionRate.low : TransactionRate.high
        isHigh = Double(count) > elapsed / .seconds(1) * limit
        count = 0
        self.began = now
    }

    /// Nothing came for a while.
    public mutating func fellSilent() {
        self = TransactionRate()
    }
}
