internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient

/// Sessions beside the one that holds the stream's lock: a second one that takes turns with it
/// (``StagingAhead``), and those of transactions in progress (``SideSessions``).
extension Applier {
    /// Of the session that takes turns; the others count from 1.
    static let secondNumber = 0

    /// Opens such a session.
    ///
    /// - Parameters:
    ///   - number: For its origin: one session at a time may use it.
    ///   - isMarked: Whether the stream's transactions are marked with an origin.
    func connectAside(
        _ conninfo: Conninfo, number: Int, encoding: String, isMarked: Bool
    ) async throws {
        try await cancellable {
            let session = try openSession(conninfo)
            try StreamLock(session: session, stream: stream).takeAside()
            try session.setClientEncoding(encoding)
            try session.execute("set synchronous_commit = off")
            if isMarked, try setUpOrigin(session, side: number) != .set {
                throw Restart(reason: "no replication origin is free for another session")
            }
            try prepareSets(session)
            sideNumber = number
        }
    }

    /// Removes the origin: the server has places for few. A crash leaves it for the next session
    /// of this number, or for cleanup.
    func leave() async throws {
        guard marksOrigin, let sideNumber else { return }
        try await cancellable {
            try OriginMark(session: open(), stream: stream, part: .side(sideNumber)).end()
        }
    }
}
