internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient

/// Reads the source's sequences and sets the target's.
struct SequenceJob {
    let configuration: SyncConfiguration
    let source: Connection
    let applier: Applier
    let logger: Logger

    private var rules: RenameRules { applier.handling.renames }

    /// A stream of the whole database takes the sequences that belong to no table along.
    private var takesAll: Bool {
        configuration.ownsPublication && configuration.selection.tables.isEmpty
    }

    /// Before a stream begins: an application that moves to the target would be given values that
    /// are in use.
    ///
    /// - Throws: ``Halt`` if a sequence may not be read, or not be set.
    func check(_ routes: [TableRoute]) async throws {
        let (all, rules, tables) = (takesAll, rules, routes.map(\.source))
        let required = try await source.run { session in
            try SequenceSync.checkReadable(session, tables: tables, all: all)
            return try SequenceSync.required(session, tables: tables, all: all)
        }
        try await applier.run { session in
            let names = try SequenceSync.unsettable(
                among: required.map { rules.target(of: $0.name) }, on: session)
            guard names.isEmpty else {
                throw try SequenceSync.notSettable(.preflight, names: names, on: session)
            }
        }
    }

    /// At a later start they keep nothing from going on: they are set when it ends.
    func warn(_ routes: [TableRoute]) async throws {
        do { try await check(routes) } catch let halt as Halt { logger.warning("\(halt)") }
    }

    /// - Parameter isEnd: Whether whoever is told that all went well may now use the target.
    func run(_ routes: [TableRoute], isEnd: Bool = false) async throws {
        let (all, rules, tables) = (takesAll, rules, routes.map(\.source))
        let sources = try await source.run {
            try SequenceSync.read($0, tables: tables, all: all)
        }
        let (set, skipped) = try await applier.run { session in
            try session.transaction {
                try SequenceSync.write(
                    SequenceSync.renamed(sources, by: rules, besides: routes, on: session),
                    on: session)
            }
        }
        if set > 0 { logger.info("sequences set", metadata: ["count": "\(set)"]) }
        for sequence in skipped {
            logger.warning(
                "sequence not set: \(sequence.reason)", metadata: ["sequence": "\(sequence.name)"])
        }
        guard isEnd else { return }
        do { try await check(routes) } catch var halt as Halt {
            halt.exitCode = .target
            throw halt
        }
    }
}
