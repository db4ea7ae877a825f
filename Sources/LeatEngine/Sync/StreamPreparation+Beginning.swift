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
        let stream = NewStream(on: system, by: decision, given: facts)
        switch decision {
        case .create, .recreate:
            return try await beginNew(stream, by: decision, spool: spool, tables, with: plans)
        case .adopt(let position):
            try await checkCopy(of: tables, with: plans)
            _ = try await slots.begin(stream, by: decision, of: tables, in: keeper)
            try await onTarget.settleTriggers(tables)
            try await openSpool(by: spool, of: stream, at: position, for: tables)
            // Under a later snapshot: what the slot has sent before it is left out for a table.
            if configuration.copiesTables {
                try await copyLate(tables, by: listPlan(tables), with: plans)
            }
            return Start(position: position, confirmed: position)
        case .resume(let position):
            let confirmed = facts.slot?.confirmedFlushLSN ?? position
            run.spool?.expect(facts.stored?.last)
            try await tellSpool(tables)
            let spooled = NewStream(
                system: system, databaseOID: facts.databaseOID,
                ownsSlot: configuration.slot == nil)
            try await openSpool(
                by: spool, of: spooled, at: confirmed, for: tables,
                slotBeginning: facts.stored?.slotBeginning)
            let plan = try await listTables(tables, doubtful: doubtful, at: position)
            try await onTarget.settleTriggers(tables)
            try await copyLate(tables, by: plan, with: plans)
            return Start(
                position: position, confirmed: try run.spool?.registered() ?? confirmed,
                history: facts.history(leavesOutOrigins: configuration.origin == .none))
        }
    }

    func beginNew(
        _ stream: NewStream, by decision: StartDecision, spool: SpoolDecision?,
        _ tables: [SourceTable], with plans: [TableName: RelationPlan]
    ) async throws -> Start {
        if !configuration.ownsPublication {
            // Else done before the publication was made.
            try await checkCopy(of: tables, with: plans)
            try await keeper.writeCreating(stream)
        }
        try await onTarget.settleTriggers(tables)
        try await emptyTargets(of: tables, with: plans)
        let (begun, _) = try await slots.begin(stream, by: decision, of: tables, in: keeper)
        let point = begun.position
        func openSpool() async throws {
            try await self.openSpool(
                by: spool, of: stream, at: point, for: tables, slotBeginning: point)
        }
        if configuration.copiesTables, let slot = begun.slot {
            // The slot is sure to stay once the snapshot is held.
            try await copy(tables, in: slot) { try await openSpool() }
        } else {
            try await openSpool()
        }
        return Start(position: point, confirmed: point)
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
