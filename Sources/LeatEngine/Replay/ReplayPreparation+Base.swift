internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// What comes of the base that an archive begins with: schema, rows, sequences.
extension ReplayPreparation {
    func createSchema(_ base: BaseManifest) async throws {
        guard configuration.createsSchema else { return }
        try await BaseSchema(
            archive: configuration.archive, base: base, configuration: configuration,
            logger: logger
        ).create()
    }

    /// What is not ready yet is of the base at the stored position.
    func copy(
        from base: BaseManifest?, _ tables: [SourceTable], by plans: [TableName: RelationPlan],
        at position: LSN
    ) async throws {
        let stream = configuration.stream
        let waiting = try await applier.run { session in
            try TableStore(session: session, stream: stream).read().filter { $0.state != .ready }
        }
        guard !waiting.isEmpty else { return }
        guard let base else {
            throw Halt(
                .positionMismatch,
                "The base at \(position) is gone, and not all of its tables were copied.",
                advice: "Begin anew: --rewind.")
        }
        let names = Set(waiting.map(\.table))
        let pending = tables.filter { names.contains($0.name) }
        // First: whatever ends the copy, a table is still waiting then, and they are set again.
        try await setSequences(base)
        do {
            try await BaseRestore(
                configuration: configuration, base: base, status: run.status, logger: logger
            ).run(onTarget.copyLevels(pending))
        } catch let halt as Halt {
            throw await LoosenedRules(source: ArchiveDefinitions(), applier: applier).explain(halt)
        }
    }

    /// What a base's schema has left for after its rows, at this start or at one that was killed.
    func makePending() async throws {
        let stream = configuration.stream
        let number = try await applier.run { session in
            try PendingSchema(session: session, stream: stream).make()
        }
        if number > 0 {
            logger.info("rest of the schema created", metadata: ["count": "\(number)"])
        }
    }

    /// Before anything is changed.
    func checkSequences(_ base: BaseManifest) async throws {
        let rules = onTarget.rules
        let names = ReplayPreparation.sequences(of: base).map(rules.target)
        try await applier.run { session in
            let refused = try SequenceSync.unsettable(among: names, on: session)
            guard refused.isEmpty else {
                throw try SequenceSync.notSettable(.preflight, names: refused, on: session)
            }
        }
    }

    static func sequences(of base: BaseManifest) -> [TableName] {
        base.sequences.map { TableName(schema: $0.schema, name: $0.name) }
    }

    private func setSequences(_ base: BaseManifest) async throws {
        let rules = onTarget.rules
        let sequences = base.sequences.map {
            SequenceSync.Source(
                name: rules.target(of: TableName(schema: $0.schema, name: $0.name)),
                lastValue: $0.lastValue,
                isCalled: $0.isCalled, isAscending: true, cycles: false, owner: nil)
        }
        let (set, skipped) = try await applier.run { session in
            try session.transaction { try SequenceSync.write(sequences, on: session) }
        }
        if set > 0 { logger.info("sequences set", metadata: ["count": "\(set)"]) }
        for sequence in skipped {
            logger.warning(
                "sequence not set: \(sequence.reason)",
                metadata: ["sequence": "\(sequence.name)"])
        }
    }
}
