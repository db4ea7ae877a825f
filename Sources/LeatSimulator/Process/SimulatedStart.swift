internal import LeatCore
internal import PGWire

/// Where a stream begins.
struct SimulatedStart {
    var position: LSN
    var confirmed: LSN
    var history: KnownHistory?
}

extension SimulatedProcess {
    /// What a start compares: what is stored, as a target or an archive has it, and the source.
    ///
    /// - Parameter isArchive: It is an archive's.
    func facts(
        of state: TargetServer.State, from source: SourceClient, isArchive: Bool = false
    ) async throws -> StartFacts {
        try await source.ask { server in
            lookForCause(isArchive ? nil : state)
            let history = server.history
            return StartFacts(
                stored: state.row.map(StartFacts.Stored.init),
                slot: server.currentSlot().map { slot in
                    StartFacts.Slot(
                        plugin: "pgoutput", database: "app", isTemporary: false, isTwoPhase: false,
                        confirmedFlushLSN: slot.confirmed,
                        walStatus: slot.isLost ? "lost" : "reserved")
                },
                slotName: "leat_main", systemIdentifier: "7", database: "app",
                timeline: history.timeline, walEnd: history.flushed, branchPoint: history.branch,
                copiesTables: true)
        }
    }
}

extension StartFacts.Stored {
    fileprivate init(_ row: TargetServer.Row) {
        self.init(
            isCreating: row.isCreating, endLSN: row.position, systemIdentifier: "7",
            database: "app", timeline: row.timeline, slot: "leat_main", last: row.last)
        slotBeginning = row.slotBeginning
    }
}
