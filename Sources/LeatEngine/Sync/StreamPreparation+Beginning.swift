internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPreparation {
    struct Start {
        var position: LSN
        var confirmed: LSN
        var history: KnownHistory?
    }

    func begin(
        by decision: StartDecision, spool: SpoolDecision?, given facts: StartFacts,
        _ tables: [SourceTable], with plans: [TableName: RelationPlan], on system: SystemIdentity,
        doubtful: Set<TableName>
    ) async throws -> Start {
        switch decision {
        case .create, .recreate:
            return try await beginNew(by: decision, spool: spool, tables, with: plans, on: system)
        case .adopt(let position):
            slots.tellAdopted()
            try await checkCopy(of: tables, with: plans)
            try await storeBeginning(at: position, tables, adopting: system)
            try await onTarget.settleTriggers(tables)
            try await openSpool(by: spool, at: position, for: tables, on: system, ownsSlot: false)
            // Under a later snapshot: what the slot has sent before it is left out for a table.
            if configuration.copiesTables {
                try await copyLate(tables, by: listPlan(tables), with: plans)
            }
            return Start(position: position, confirmed: position)
        case .resume(let position):
            let confirmed = facts.slot?.confirmedFlushLSN ?? position
            run.spool?.expect(facts.stored?.last)
            try await tellSpool(tables)
            try await openSpool(
                by: spool, at: confirmed, for: tables, on: system,
                ownsSlot: configuration.slot == nil, slotBeginning: facts.stored?.slotBeginning)
            let plan = try await listTables(tables, doubtful: doubtful, at: position)
            try await onTarget.settleTriggers(tables)
            try await copyLate(tables, by: plan, with: plans)
            return Start(
                position: position, confirmed: try run.spool?.registered() ?? confirmed,
                history: facts.history(leavesOutOrigins: configuration.origin == .none))
        }
    }

    func beginNew(
        by decision: StartDecision, spool: SpoolDecision?, _ tables: [SourceTable],
        with plans: [TableName: RelationPlan], on system: SystemIdentity
    ) async throws -> Start {
        if !configuration.ownsPublication {
            // Else done before the publication was made.
            try await checkCopy(of: tables, with: plans)
            try await writeCreating(system)
        }
        try await onTarget.settleTriggers(tables)
        try await emptyTargets(of: tables, with: plans)
        let slot = try await slots.make(by: decision)
        let point = slot.consistentPoint
        try await storeBeginning(at: point, tables, adopting: nil)
        if configuration.copiesTables {
            // The slot is sure to stay once the snapshot is held.
            try await copy(tables, in: slot) {
                try await openSpool(
                    by: spool, at: point, for: tables, on: system, ownsSlot: true,
                    slotBeginning: point)
            }
        } else {
            try await openSpool(
                by: spool, at: point, for: tables, on: system, ownsSlot: true,
                slotBeginning: point)
        }
        return Start(position: point, confirmed: point)
    }

    /// Position, publications and the list of tables, in one transaction.
    ///
    /// - Parameter system: For a slot that is taken over. Its row is made here, so that there is
    ///   never a `creating` that would drop a slot that is not ours.
    func storeBeginning(
        at position: LSN, _ tables: [SourceTable], adopting system: SystemIdentity?
    ) async throws {
        let (configuration, target) = (configuration, servers.target)
        let identities = try await servers.source.run { session in
            try Publication(session: session, configuration: configuration.reading).identities()
        }
        let plan = try await listPlan(tables)
        try await servers.applier.run { session in
            let progress = ProgressStore(session: session, stream: configuration.stream)
            let store = TableStore(session: session, stream: configuration.stream)
            try session.transaction {
                if let system {
                    try progress.insertCreating(configuration, source: system, target: target)
                }
                try progress.begin(
                    at: position, ownsSlot: system == nil, publications: identities)
                try store.apply(plan)
                if !configuration.copiesTables {
                    try store.adopt(tables, snapshot: position)
                }
            }
        }
    }

    /// - Parameters:
    ///   - doubtful: Followed tables that are to be copied anew.
    ///   - position: Where a stream that goes on is; nil at its beginning.
    func listPlan(
        _ tables: [SourceTable], doubtful: Set<TableName> = [], at position: LSN? = nil
    ) async throws -> TablePlan {
        let stream = configuration.stream
        let published = tables.map(\.listed)
        let stored = try await servers.applier.run { session in
            try TableStore(session: session, stream: stream).read()
        }
        return TablePlan(
            published: published, stored: stored, doubtful: doubtful,
            departure: try await departure(of: stored, from: tables, at: position))
    }

    /// Tables that are published no longer: what was sent of them before is still to come, in
    /// transactions that other tables have a part in. Unless somebody has given them up.
    private func departure(
        of stored: [TablePlan.Stored], from tables: [SourceTable], at position: LSN?
    ) async throws -> TablePlan.Departure? {
        guard let position else { return nil }
        let published = Set(tables.map(\.name))
        let left = Dictionary(
            stored.filter { !published.contains($0.table) && configuration.wants($0.table) }
                .map { ($0.table, $0.target) }, uniquingKeysWith: { first, _ in first })
        guard !left.isEmpty else { return nil }
        let end = try await servers.source.run { try SourceEnd.flushed($0) }
        let there = try await servers.applier.run { session in
            try TableNames(session: session).known(oids: [], names: Array(left.values))
        }
        return TablePlan.Departure(position: position, sourceEnd: end) { table in
            left[table].flatMap { there[$0] } != nil
        }
    }

    func listTables(
        _ tables: [SourceTable], doubtful: Set<TableName>, at position: LSN
    ) async throws -> TablePlan {
        let plan = try await listPlan(tables, doubtful: doubtful, at: position)
        let stream = configuration.stream
        try await servers.applier.run { session in
            try session.transaction {
                try TableStore(session: session, stream: stream).apply(plan)
                try LeftOutStore(session: session, stream: stream).addFormer(plan.removed)
            }
        }
        for (table, end) in plan.leaving.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                """
                table was dropped on the source, or is published no longer: it is followed up to \
                there, and then given up
                """, metadata: ["table": "\(table)", "lsn": "\(end)"])
        }
        for table in plan.removed {
            logger.info("table is no longer followed", metadata: ["table": "\(table)"])
        }
        return plan
    }
}
