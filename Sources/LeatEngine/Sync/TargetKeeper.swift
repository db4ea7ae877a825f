internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Keeps the position of `leat sync` on the target: the stream's row of `leat.progress`.
struct TargetKeeper: PositionKeeper {
    let configuration: SyncConfiguration
    let servers: SyncRun.Servers

    var words: KeeperWords { .target }

    func read() async throws -> Progress? { try await servers.applier.progress() }

    func stored(_ kept: Progress) -> StartFacts.Stored? { kept.stored }

    /// Nothing for a slot that is taken over: its row is made with the position, so that there is
    /// never a `creating` that would drop a slot that is not ours.
    func writeCreating(_ stream: NewStream) async throws {
        guard stream.ownsSlot else { return }
        let (configuration, target) = (configuration, servers.target)
        try await servers.applier.run { session in
            try ProgressStore(session: session, stream: configuration.stream).insertCreating(
                configuration, source: stream.system, target: target)
        }
    }

    /// Position, publications and the list of tables, in one transaction.
    func begin(
        _ stream: NewStream, at point: NewStream.Point, of tables: [SourceTable]
    ) async throws {
        let (configuration, target) = (configuration, servers.target)
        let publications = try await servers.source.run { session in
            try Publication(session: session, configuration: configuration.reading).identities()
        }
        try await servers.applier.run { session in
            let progress = ProgressStore(session: session, stream: configuration.stream)
            try session.transaction {
                if !stream.ownsSlot {
                    try progress.insertCreating(
                        configuration, source: stream.system, target: target)
                }
                try progress.begin(
                    at: point.position, ownsSlot: stream.ownsSlot, publications: publications)
                try TableStore(session: session, stream: configuration.stream).begin(
                    with: tables, readyAt: configuration.copiesTables ? nil : point.position)
            }
        }
    }
}
