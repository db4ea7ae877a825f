internal import LeatCore
internal import LeatFlow
internal import PGWire

/// What the two runs of `leat sync --spool` have in common: `TargetSpool`, with the disk in memory.
// SAFETY: of the simulation's one thread, as everything in it.
final class SimulatedSpool: @unchecked Sendable {
    private let process: SimulatedProcess
    private(set) var isOpen = false
    /// Whether the target has said that it fits.
    private var isAgreed = false
    /// What the target has stored last.
    var expected: LastTransaction?

    private var world: World { process.world }
    private var disk: ArchiveDisk { world.disk }

    private static let isBehind = Restart(reason: "the spool is behind the target")

    init(_ process: SimulatedProcess) {
        self.process = process
    }

    // MARK: The two flows

    var isBegun: Bool { disk.begun != nil }

    /// The recording may begin.
    func open() { isOpen = true }

    func waitUntilOpen() async throws {
        while !isOpen { try await world.thread.sleep(10_000) }
    }

    // MARK: Starting

    func waitForTarget(if facts: StartFacts) throws {
        guard !isAgreed, facts.slotAhead != nil else { return }
        isOpen = false
        throw Restart(reason: "only the target knows what was confirmed without the spool")
    }

    func decide(
        by facts: StartFacts, row: TargetServer.Row?
    ) throws -> (SpoolDecision, StartFacts) {
        try process.check()
        let found = disk.begun.map { position in
            SpoolFacts.Found(
                archive: "\(disk.files.stream?.archive ?? 0)", stream: "main", reader: "r",
                systemIdentifier: "7", database: "app", beginning: position.beginning,
                end: position.end)
        }
        let decision = try SpoolDecision(
            SpoolFacts(
                start: facts, folder: "spool", stream: "main", reader: "r", found: found,
                mark: row?.mark))
        if decision == .begin, isOpen { throw SimulatedSpool.isBehind }
        guard decision == .goOn, world.isSabotaged(by: .forgetsTheSpool) else {
            return (decision, decision.bridged(facts))
        }
        return (.begin, decision.bridged(facts))
    }

    func checkReaches(_ position: LSN) throws {
        try process.check()
        guard disk.begun?.end ?? .zero >= position else { throw SimulatedSpool.isBehind }
    }

    /// Begins it, or goes on with it.
    func open(
        by decision: SpoolDecision, at confirmed: LSN, slotBeginning: LSN?, timeline: UInt32,
        from source: SourceClient, on target: TargetClient
    ) async throws {
        if decision == .begin {
            try await begin(
                at: confirmed, slotBeginning: slotBeginning, timeline: timeline, from: source,
                on: target)
        } else if let stream = disk.files.stream {
            try await mark("\(stream.archive)", on: target)
        }
        isAgreed = true
        open()
    }

    private func begin(
        at point: LSN, slotBeginning: LSN?, timeline: UInt32, from source: SourceClient,
        on target: TargetClient
    ) async throws {
        let before = try await source.ask { $0.numbers(upTo: point) }
        let archive = disk.nextArchive()
        world.note("the spool begins at \(point)")
        try await replace { files in
            files.stream = .init(
                isCreating: true, archive: archive, timeline: timeline,
                slotBeginning: slotBeginning)
        }
        try await process.travel()
        disk.begin(at: point, after: before)
        try await replace { $0.reader = nil }
        try await replace { $0.reader = point }
        try await mark("\(archive)", on: target)
        try await replace { $0.stream?.isCreating = false }
    }

    private func replace(_ change: @escaping (inout ArchiveDisk.Files) -> Void) async throws {
        try await process.travel()
        disk.replace(change)
        try await process.travel()
        disk.synchroniseFolder()
    }

    /// - Parameter archive: Nil: the spool is not used any more.
    func mark(_ archive: String?, on target: TargetClient) async throws {
        let mark = archive.map { SpoolMark(archive: $0, place: "here") }
        try await target.ask { server in
            guard server.state.row?.mark != mark else { return }
            server.commit(isSynchronous: true) { $0.row?.mark = mark }
        }
    }

    var registered: LSN? { disk.files.reader }
}
