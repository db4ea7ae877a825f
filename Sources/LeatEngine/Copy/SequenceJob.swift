internal import LeatCore
internal import Logging
internal import PGClient

/// Reads the source's sequences and sets the target's.
struct SequenceJob {
    let configuration: SyncConfiguration
    let servers: SyncRun.Servers
    let logger: Logger

    func run(_ tables: [TableName]) async throws {
        // A stream of the whole database takes the sequences that belong to no table along.
        let all = configuration.ownsPublication && configuration.selection.tables.isEmpty
        let sources = try await servers.source.run {
            try SequenceSync.read($0, tables: tables, all: all)
        }
        let (set, skipped) = try await servers.applier.run { session in
            try session.transaction { try SequenceSync.write(sources, session) }
        }
        if set > 0 { logger.info("sequences set", metadata: ["count": "\(set)"]) }
        for sequence in skipped {
            logger.warning(
                "sequence not set: \(sequence.reason)", metadata: ["sequence": "\(sequence.name)"])
        }
    }
}
