internal import LeatCore
internal import Logging
internal import PGClient

/// What the target does by itself when it is written to: refused, disabled, or told.
extension StreamPreparation {
    /// A stream that has disabled triggers goes on so, unless its role has become `replica`.
    func role() async throws -> ApplyRole {
        if await servers.applier.isReplica { return .replica }
        let hasDisabled = try await !journal { try $0.entries() }.isEmpty
        switch configuration.role {
        case .disableTriggers: return .disableTriggers
        case .auto: return hasDisabled ? .disableTriggers : .plain
        case .replica: preconditionFailure("refused when the session was opened")
        case .plain:
            guard !hasDisabled else {
                throw Halt(
                    .preflight, "This stream has disabled triggers: see leat.triggers.",
                    advice: "Start with --role disable-triggers, or undo it with leat cleanup.")
            }
            return .plain
        }
    }

    /// Before anything is created.
    ///
    /// - Returns: What fires all the same.
    func checkRole(
        _ tables: [SourceTable]
    ) async throws -> [String] {
        let role = try await role()
        let (names, configuration) = (tables.map(\.name), configuration)
        return try await servers.applier.run { session in
            let check = RoleCheck(
                role: role, effects: TargetEffects(session: session, tables: names))
            let warnings = try check.check()
            if configuration.copiesTables {
                let stored = try TableStore(session: session, stream: configuration.stream).read()
                let ready = Set(stored.filter { $0.state == .ready }.map(\.table))
                try check.checkCopy(names.filter { !ready.contains($0) })
            }
            return warnings
        }
    }

    func tellRole(_ warnings: [String]) async throws {
        let role = try await role()
        logger.info("\(role.cost)")
        if role == .plain, configuration.role == .auto {
            let grant = try await servers.applier.run { session in
                ApplySession.grant(to: try session.query("select current_user").scalar ?? "...")
            }
            logger.warning("the target role may not use role replica; to allow it: \(grant)")
        }
        for warning in warnings { logger.warning("\(warning)") }
    }

    /// Disables what would fire, or enables again what an earlier start has disabled. The stream
    /// has its row by now, so that cleanup finds it.
    func settleTriggers(_ tables: [SourceTable]) async throws {
        let names = tables.map(\.name)
        switch try await role() {
        case .plain:
            break
        case .replica:
            let number = try await journal { try $0.restore() }
            if number > 0 {
                logger.info("triggers enabled again", metadata: ["count": "\(number)"])
            }
        case .disableTriggers:
            let number = try await journal { journal in
                let effects = TargetEffects(session: journal.session, tables: names)
                let firing = try effects.triggers(ApplyRole.disableTriggers.firing)
                try journal.share(effects.triggers(["D"]))
                try journal.disable(firing)
                return firing.count
            }
            logger.info("triggers disabled", metadata: ["count": "\(number)"])
        }
    }

    /// Tables that may be copied at the same time, referenced ones before those that refer to
    /// them.
    func copyLevels(_ tables: [SourceTable]) async throws -> [[SourceTable]] {
        guard try await role() != .replica else { return [tables] }
        let names = tables.map(\.name)
        let (levels, left) = try await servers.applier.run { session in
            let keys = try TargetEffects(session: session, tables: names).foreignKeys()
            let (levels, _) = ForeignKeyOrder(keys).levels(names)
            return (levels, Set(names).subtracting(levels.joined()))
        }
        let byName = Dictionary(
            tables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        // A circle was refused; one that was made since is found by the server.
        return (levels + [left.sorted()]).map { level in level.compactMap { byName[$0] } }
            .filter { !$0.isEmpty }
    }

    private func journal<Value: Sendable>(
        _ body: @Sendable (TriggerJournal) throws -> Value
    ) async throws -> Value {
        let stream = configuration.stream
        return try await servers.applier.run { session in
            try body(TriggerJournal(session: session, stream: stream))
        }
    }
}
