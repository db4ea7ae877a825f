internal import LeatCore
internal import LeatFlow
internal import Synchronization

/// How transactions are dealt with that the source sends while they are in progress: applied as
/// they arrive, or kept on disk until they commit.
///
/// The first is tried. Whatever does not fit then (a change that meets a conflict, a table that has
/// changed within the transaction, a lock that does not come) is no reason to stop: nobody knows
/// yet whether the transaction commits. The run begins again with the second, which has an answer
/// to all of it, and goes on so for a while: so nothing is tried again and again.
final class InProgressHandling: Sendable {
    /// Each is a session on the target.
    private static let mostAtOnce = 3
    private static let pause: Duration = .seconds(15 * 60)

    private let spoolsUntil = Mutex<ContinuousClock.Instant?>(nil)

    /// So many are applied as they arrive, at a time.
    var appliedAtOnce: Int {
        spoolsUntil.withLock { $0.map { $0 > .now } ?? false } ? 0 : InProgressHandling.mostAtOnce
    }

    /// - Returns: What begins the run again.
    func spool(because reason: String) -> Restart {
        spoolsUntil.withLock { $0 = .now + InProgressHandling.pause }
        return Restart(
            reason: """
                A transaction that is still in progress on the source cannot be applied yet: \
                \(reason) Large transactions are applied at their commit for \
                \(InProgressHandling.pause.components.seconds / 60) minutes
                """)
    }
}
