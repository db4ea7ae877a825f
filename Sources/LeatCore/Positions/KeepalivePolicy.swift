public import PGWire

/// Notices by the keepalives' urgency that the server wants to stop.
///
/// A server in fast shutdown waits until its walsenders have confirmed everything, and asks
/// again after each answer. While the target is stalled nothing more can be confirmed, so the
/// stream is closed and the server may go. Answers leave at most ten times a second; in normal
/// service a server asks once per half of its `wal_sender_timeout`.
public struct KeepalivePolicy: Sendable {
    static let window: Duration = .seconds(10)
    static let limit = 20

    private var lastWalEnd: LSN = .zero
    private var requests: [ContinuousClock.Instant] = []

    public init() {}

    /// - Returns: Whether to close the stream and connect again with backoff.
    public mutating func replyRequested(
        walEnd: LSN, hasUnconfirmed: Bool, at now: ContinuousClock.Instant
    ) -> Bool {
        if walEnd != lastWalEnd { requests.removeAll() }
        lastWalEnd = walEnd
        requests.removeAll { $0 + KeepalivePolicy.window < now }
        requests.append(now)
        return hasUnconfirmed && requests.count >= KeepalivePolicy.limit
    }
}
