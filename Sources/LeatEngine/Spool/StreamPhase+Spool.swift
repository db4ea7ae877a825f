internal import LeatArchive
internal import LeatCore
internal import Logging
internal import PGWire

extension StreamPhase {
    /// From the spool, which another flow records into; the source itself is watched there.
    ///
    /// What the target has stored for good, and no more of it than `--hold-back` allows, is told
    /// the archive, as it would be confirmed to a slot.
    func feed(from spool: TargetSpool, _ positions: SharedPosition) async throws -> Feed {
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
            source: archive,
            finish: {
                let stored = positions.with { $0.status(at: .now).flushed }
                if stored > .zero { try await archive.register(reader, at: stored) }
            })
    }
}
