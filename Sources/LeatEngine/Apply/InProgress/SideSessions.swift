internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// The target sessions of transactions that are in progress on the source.
///
/// One task uses them, in the stream's order; at no time do two sessions of a stream do something
/// at once. They may still wait for each other where the target has a constraint or a lock that
/// the source does not have; then one's waits end after a limit (``Applier/limitWaits(_:)``), and
/// the run begins again with such transactions on disk until they commit (``InProgressHandling``).
actor SideSessions: Closable {
    private let conninfo: Conninfo
    private let main: Applier
    private let encoding: String
    private var busy: [TransactionID: Applier] = [:]
    private var idle: [Applier] = []
    private var made = 0

    init(_ conninfo: Conninfo, beside main: Applier, encoding: String) {
        self.conninfo = conninfo
        self.main = main
        self.encoding = encoding
    }

    var areBusy: Bool { !busy.isEmpty }

    /// The session of a transaction, with its transaction open.
    func session(for piece: StreamedPiece) async throws -> Applier {
        if let known = busy[piece.xid] { return known }
        precondition(piece.isFirst, "a piece follows the pieces before it")
        let session = if let free = idle.popLast() { free } else { try await open() }
        if busy.isEmpty { try await main.limitWaits(true) }
        busy[piece.xid] = session
        try await session.beginPieces()
        return session
    }

    private func open() async throws -> Applier {
        let session = Applier(stream: main.stream, handling: main.handling, silence: main.silence)
        made += 1
        do {
            try await session.connectAside(
                conninfo, number: made, encoding: encoding, isMarked: await main.marksOrigin)
            try await session.limitWaits(true)
            return session
        } catch {
            await session.close()
            throw error
        }
    }

    /// The transaction has ended.
    func end(_ xid: TransactionID) async throws {
        guard let session = busy.removeValue(forKey: xid) else { return }
        idle.append(session)
        if busy.isEmpty { try await main.limitWaits(false) }
    }

    /// Drops what is in progress, for its rest will not come, and ends the sessions in good order.
    func rollBack() async throws {
        for session in busy.values { try await session.abandonPieces() }
        // Without this its origin stays, for the next session of its number.
        for session in Array(busy.values) + idle { try? await session.leave() }
        await close()
    }

    func close() async {
        for session in Array(busy.values) + idle { await session.close() }
        busy = [:]
        idle = []
    }
}
