internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPhase {
    /// From the spool, which another flow records into; the source itself is watched there.
    ///
    /// What the target has stored for good, and no more of it than `--hold-back` allows, is told
    /// the archive, as it would be confirmed to a slot.
    func feed(
        from spool: TargetSpool, to positions: SharedPosition, definitions: DefinitionWatch
    ) async throws -> Feed {
        spool.watch(try await partitions(mayBeAway: true))
        // It made slots and asked the server for its position; one walsender is enough.
        await servers.receiver.close()
        try spool.checkReaches(prepared.position)
        let archive = ArchiveSource(spool.folder.path)
        let opening = try await archive.open(after: prepared.position)
        let reader = try spool.reader()
        var stream = ArchiveSource.Stream(positions: positions)
        stream.tables = prepared.followed
        stream.follows = true
        stream.reader = reader
        stream.registerInterval = .seconds(1)
        await archive.start(stream)
        logger.info(
            "following the spool",
            metadata: ["spool": "\(archive.path)", "recorded": "\(opening.position.end)"])
        return Feed(
            source: archive, beside: [{ try await look(definitions) }],
            tables: { try await run.definitions(servers).tables() },
            finish: {
                let stored = positions.with { $0.status(at: .now).flushed }
                if stored > .zero { try await archive.register(reader, at: stored) }
            })
    }

    /// Looks at what the source's tables are, now and then. The following goes on without the
    /// source, so a look may fail.
    private func look(_ definitions: DefinitionWatch) async throws {
        let (configuration, encoding) = (configuration, servers.encoding)
        while true {
            try await Task.sleep(for: configuration.reading.lookInterval)
            do {
                let connection = try await Connection.open(
                    configuration.source, peer: .source, stream: configuration.stream,
                    clientEncoding: encoding)
                try await closing(connection) {
                    let source = ServerDefinitions(
                        source: connection, publications: configuration.publicationNames)
                    try await definitions.look(connection) { try await source.tables() }
                }
            } catch let error as ConnectionError where error.peer == .source {
                logger.debug("the source could not be looked at", metadata: ["error": "\(error)"])
            }
        }
    }
}
