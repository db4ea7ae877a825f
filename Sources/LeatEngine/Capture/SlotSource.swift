internal import LeatCore
internal import PGClient
internal import PGWire

/// The source that is a replication slot: its receiver, and word of tables in the stream that are
/// not followed.
struct SlotSource: BatchSource {
    let receiver: SlotReceiver
    /// For queries about the source's catalog.
    let catalog: Connection
    let watch: PublicationWatch

    var executor: (any TaskExecutor)? { receiver.executor }

    func next() async throws -> Delivery {
        let delivery = try await receiver.next()
        if case .nothing = delivery { try await tellUnfollowed() }
        return delivery
    }

    private func tellUnfollowed() async throws {
        let tables = await receiver.takeUnfollowed()
        guard !tables.isEmpty else { return }
        try await watch.tell(tables, catalog)
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
