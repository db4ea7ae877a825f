internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire
internal import Synchronization

/// The source that is a replication slot: its receiver, and word of tables in the stream that are
/// not followed, and of what the server says beside the stream.
///
/// 18 and newer leave out the changes of a publication that did not exist when they were made, and
/// only warn, between the messages of the stream; older servers end the stream with an error.
/// Either way the changes are missing from that place on. So the intake ends there: whole
/// transactions from before are still applied and stored, nothing else is, and nothing behind it
/// is confirmed.
final class SlotSource: BatchSource {
    let receiver: SlotReceiver
    /// For queries about the source's catalog.
    let catalog: Connection
    let watch: PublicationWatch
    private let reason = Mutex<(any Error)?>(nil)

    init(receiver: SlotReceiver, catalog: Connection, watch: PublicationWatch) {
        self.receiver = receiver
        self.catalog = catalog
        self.watch = watch
    }

    var executor: (any TaskExecutor)? { receiver.executor }

    var reasonToEnd: (any Error)? { reason.withLock { $0 } }

    func next() async throws -> Delivery {
        do {
            let delivery = try await receiver.next()
            if case .nothing = delivery {
                try await heedNotices()
                try await tellUnfollowed()
            }
            return delivery
        } catch let error as ConnectionError where PublicationWatch.isMissing(error) {
            let received = await receiver.refused()
            let gap = try await watch.gap(error, received: received, on: catalog)
            reason.withLock { $0 = gap }
            return .nothing
        }
    }

    private func heedNotices() async throws {
        let (notices, received) = await receiver.takeNotices()
        for notice in notices {
            guard let gap = try await watch.gap(notice, received: received, on: catalog) else {
                continue
            }
            reason.withLock { $0 = gap }
            return receiver.stop()
        }
    }

    private func tellUnfollowed() async throws {
        let tables = await receiver.takeUnfollowed()
        guard !tables.isEmpty else { return }
        try await watch.tell(of: tables, on: catalog)
    }

    /// A server that is being stopped ends all sessions but the walsenders', and waits until those
    /// have heard that everything is stored. What it named just before then goes without proof.
    func writtenEnd() async throws -> LSN? {
        do { return try await catalog.run { try SourceEnd.written($0) } } catch let error
            as ConnectionError
        {
            guard error.code == .lost || error.sqlState == .adminShutdown else { throw error }
            return nil
        }
    }

    func stop() {
        receiver.stop()
    }

    func sinkHasRoom() {
        receiver.sinkHasRoom()
    }

    func report(_ status: PositionState.Status, asksForReply: Bool) async throws {
        try await receiver.send(
            StandbyStatusUpdate(
                written: status.written, flushed: status.flushed, applied: status.applied,
                sendTime: PostgresTimestamp.now, replyRequested: asksForReply))
    }
}
