internal import LeatCore
internal import Logging

/// Waits for the walsender of a predecessor that was killed: it holds the slot until it notices.
struct PredecessorWait {
    /// How long a walsender whose client is gone may take to notice.
    let patience: Duration
    let logger: Logger

    /// - Parameter take: Throws a ``Halt`` of the kind `slotInUse` while somebody else holds it.
    func callAsFunction<Result>(_ take: () async throws -> Result) async throws -> Result {
        let deadline = ContinuousClock.now + patience
        var isTold = false
        while true {
            do {
                return try await take()
            } catch let halt as Halt where halt.kind == .slotInUse {
                guard ContinuousClock.now < deadline else { throw halt }
                if !isTold { logger.warning("waiting: \(halt.message)") }
                isTold = true
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
