public import PGWire

/// Decides when the receiver lets the socket fill before it reads.
///
/// A walsender sends row by row. A reader who waits for each costs it a wake-up and a switch of
/// threads a row, which doubles its CPU; one who looks every few milliseconds finds thousands of
/// rows. So while behind, a nap comes before a read that would bring little; and where so many
/// transactions come that they are gathered anyway. Else it would only delay: everything is read
/// as it arrives.
///
/// Behind is measured by the server's own clock: how long before it sent the newest message its
/// transaction had committed. A transaction that was applied on the source by another stream
/// carries the time of its first commit, so a nap must also pay: after one that brought little,
/// some is read without.
public struct ReadPace: Sendable {
    public enum Action: Equatable, Sendable {
        /// What is there.
        case read
        /// What is there, and what follows at once: see ``readOn(isAll:)``.
        case readOn
        /// Then read on: see ``napped(bytes:isAll:)``.
        case nap(Duration)
    }

    /// More than a slow commit takes: its time is set before its flush.
    static let lag: Int64 = 100_000
    /// As much as this is worth a read without a nap.
    static let plenty = 64 << 10
    /// What a nap has to bring.
    static let worthwhile = 16 << 10
    /// How much is read without naps after one that brought less: a few milliseconds' worth when
    /// far behind, many at a rate at which nobody should nap.
    static let rest = 64 << 10

    /// Nil where messages do not come together while nobody reads.
    private let nap: Duration?
    public private(set) var isBehind = false
    private var rate = TransactionRate()
    /// Whether so many transactions come that they are gathered for a moment.
    public var isCrowded: Bool { rate.isHigh }
    /// Bytes to read before the next nap.
    private var resting = 0
    /// Whether the last read on took all there was.
    private var isDrained = true

    public init(nap: Duration?) {
        self.nap = nap
    }

    /// The newest message, sent at `sendTime` of the server's clock, belongs to a transaction
    /// that committed at `commitTime`; nil if it is still in progress there and comes streamed,
    /// which nobody waits for.
    public mutating func received(sendTime: PostgresTimestamp, commitTime: PostgresTimestamp?) {
        guard let commitTime else {
            isBehind = true
            return
        }
        // A server may send any number.
        let (lag, overflow) = sendTime.rawValue.subtractingReportingOverflow(commitTime.rawValue)
        isBehind = !overflow && lag > ReadPace.lag
    }

    /// So many transactions have ended since the last call.
    public mutating func ended(_ transactions: Int, at now: ContinuousClock.Instant) {
        rate.ended(transactions, at: now)
    }

    /// Nothing came for a while: all there was is here.
    public mutating func fellSilent() {
        isBehind = false
        rate.fellSilent()
    }

    /// The socket became readable and holds so many bytes.
    public mutating func readable(bytes: Int) -> Action {
        resting = max(0, resting - bytes)
        guard let nap, isBehind || isCrowded, resting == 0 else { return .read }
        if !isDrained { return .readOn }
        return bytes < ReadPace.plenty ? .nap(nap) : .read
    }

    /// - Parameter isAll: Whether there was no more when the read ended.
    public mutating func readOn(isAll: Bool) {
        isDrained = isAll
    }

    /// So many bytes were read after a nap.
    ///
    /// - Parameter isAll: Whether there was no more when the read ended.
    public mutating func napped(bytes: Int, isAll: Bool) {
        resting = bytes < ReadPace.worthwhile ? ReadPace.rest : 0
        isDrained = isAll
    }
}
