internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// What a start finds out about rows that have changed on the source without being sent, since the
/// last look: see ``DefinitionWatch``.
extension StreamPreparation {
    /// Looks at the catalog as the last run has left off.
    func lookAtDefinitions(of tables: [SourceTable]) async throws -> FoundDefinitions {
        let stored = try await storedTables()
        let end = try await servers.source.run { try SourceEnd.flushed($0) }
        var found = FoundDefinitions()
        for table in tables {
            guard let row = stored[table.name], row.state == .ready,
                row.id == nil || row.id == table.relation.id
            else { continue }
            try await found.look(
                at: table, stored: row.definitions, doubt: row.doubt, until: end, on: servers.source
            )
        }
        for name in found.hidden.sorted() where found.doubts[name] == nil {
            guard configuration.onRewrite == .copy else {
                logger.tellHidden(name)
                continue
            }
            found.doubts[name] = .doubtful(name, because: DefinitionChange.hiddenReason)
        }
        return found
    }

    /// What the start does about it, now that the ways of the tables are known as well.
    ///
    /// - Returns: The tables to be copied anew.
    /// - Throws: ``Halt`` (exit code 7): for tables of which only a copy tells, if that was not
    ///   asked for, and for those that the stream has nothing more to say of.
    func settle(
        _ found: inout FoundDefinitions, by ways: Preflight.Ways, at position: LSN
    ) async throws -> [TableName: Halt] {
        let mayCopy = configuration.onRewrite == .copy
        var doubts = found.doubts
        for (name, halt) in ways.later where halt.isDoubt || (mayCopy && !halt.copiesAnew.isEmpty) {
            doubts[name] = doubts[name] ?? halt
        }
        guard doubts.isEmpty || mayCopy else { throw combined(doubts) }
        let columns = try await storedTables().mapValues(\.columns)
        var stuck: [Halt] = []
        for (name, known) in found.known where doubts[name] == nil {
            guard known.isReached(by: position) else { continue }
            if let halt = ways.later[name] {
                stuck.append(advisingCopy(halt))
            } else if let plan = ways.plans[name] {
                found.known[name]?.follow(
                    on: plan.target, by: columns[name] ?? KnownColumns())
            }
        }
        guard stuck.isEmpty else { throw StreamPreparation.combined(stuck) }
        return doubts
    }

    private func combined(_ doubts: [TableName: Halt]) -> Halt {
        let sorted = doubts.sorted { $0.key < $1.key }.map(\.value)
        var halt = Halt(.stoppedOnChange, sorted.map(\.message).joined(separator: "\n"))
        halt.copiesAnew = doubts.keys.sorted()
        return advisingCopy(halt)
    }

    private static func combined(_ halts: [Halt]) -> Halt {
        var halt = Preflight.combined(halts)
        halt.exitCode = .stoppedOnChange
        return halt
    }

    /// What is told of tables to be copied anew, with the way on.
    var advisingCopy: @Sendable (Halt) -> Halt {
        let configuration = configuration
        return { halt in
            halt.advisingCopy(
                configuration.command(["--on-rewrite", "copy"]),
                accepting: halt.isDoubt ? configuration.stream : nil)
        }
    }
}
