internal import LeatCore
internal import Logging
internal import Synchronization

/// Bounds the disk that a spool takes: at the limit the reading stops, and the source keeps its
/// WAL, until the target has taken some of the spool.
final class SpoolLimit: Sendable {
    private let bytes: Int
    private let logger: Logger
    private let isFull = Atomic<Bool>(false)

    private static let look: Duration = .milliseconds(100)

    init(_ bytes: Int, _ logger: Logger) {
        self.bytes = bytes
        self.logger = logger
    }

    /// The segments take so much now.
    func measured(_ total: Int) {
        // Reading goes on when there is room again for some of it, not for a single batch.
        let isFull = total >= (isFull.load(ordering: .relaxed) ? bytes / 10 * 9 : bytes)
        let wasFull = self.isFull.exchange(isFull, ordering: .relaxed)
        guard isFull != wasFull else { return }
        if isFull {
            logger.warning(
                """
                the spool has reached its limit: the source is not read until the target has \
                taken some of it, and keeps its WAL meanwhile
                """, metadata: ["limit": "\(bytes)", "spool": "\(total)"])
        } else {
            logger.info("the spool has room again", metadata: ["spool": "\(total)"])
        }
    }

    func waitForRoom() async throws {
        while isFull.load(ordering: .relaxed) { try await Task.sleep(for: SpoolLimit.look) }
    }
}
