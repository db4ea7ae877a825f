internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

// The ways of relations to the target: which table and columns, and with what statements.

extension Applier {
    // MARK: Relations

    /// What the first change is that cannot be applied, and why.
    struct Problem {
        var change: Int
        var halt: Halt
        /// What is known by now of the columns of the table.
        var settled: Learned?
    }

    /// By which numbers a table's columns are known from a batch on.
    struct Learned {
        var id: RelationID
        var name: TableName
        var columns: KnownColumns
    }

    /// A table does not fit, and which columns the stream speaks of is known from here on.
    private struct Misfit: Error {
        var halt: Halt
        var settled: Learned?
    }

    /// The ways to the target, by the index of the batch's relations. Where one is missing, the
    /// transactions before its first change can still be applied.
    func resolve(
        _ batch: Batch, refused: [RelationID: Halt] = [:]
    ) throws -> (ResolvedBatch, Problem?) {
        var relations: [RelationStatements?] = []
        var problem: Problem?
        // All at once: a batch may be the first for hundreds of tables.
        let new = batch.relations.filter { cache.find($0) == nil }.map { route($0).target }
        let targets = try TargetTables.resolve(new, on: open())
        for index in batch.relations.indices {
            do {
                if let halt = refused[batch.relations[index].id] { throw halt }
                let made = try resolve(
                    batch.relations[index], on: targets,
                    changedBy: { batch.redescriber(of: index) })
                made.lastBatch = staging.batch
                relations.append(made)
            } catch let misfit as Misfit {
                relations.append(nil)
                note(misfit, at: index, in: batch, into: &problem)
            } catch let halt as Halt {
                relations.append(nil)
                note(Misfit(halt: halt), at: index, in: batch, into: &problem)
            }
            learned.place { batch.firstChange(ofRelation: UInt32(index)) }
        }
        // What those behind it teach is not so yet where the next start goes on.
        if let problem { learned.removeAll(from: problem.change) }
        return (
            ResolvedBatch(batch: batch, relations: relations, generation: cache.generation),
            problem
        )
    }

    /// Finds the ways once more, if what they had prepared was forgotten.
    ///
    /// - Throws: ``Halt`` if the target was altered meanwhile, and the run's changes do not fit.
    func renew(_ batch: inout ResolvedBatch, for run: ApplyRun) throws {
        guard batch.generation != cache.generation else { return }
        let (renewed, problem) = try resolve(batch.batch)
        if let problem, run.changes.contains(problem.change) { throw problem.halt }
        batch = renewed
    }

    private func note(
        _ misfit: Misfit, at index: Int, in batch: Batch, into problem: inout Problem?
    ) {
        guard let change = batch.firstChange(ofRelation: UInt32(index)),
            change < problem?.change ?? .max
        else { return }
        var halt = misfit.halt
        halt.message = "Stopped at \(batch.changes[change].lsn): \(halt.message)"
        // The transaction comes again as a whole: what it holds of the table before is read by what
        // was known then.
        let isFirst = batch.redescriberBegins(with: change, ofRelation: index)
        problem = Problem(change: change, halt: halt, settled: isFirst ? misfit.settled : nil)
    }

    /// The target's types are read again before it is said that they do not fit: one may have
    /// been made, or have got a label, since.
    private func plan(
        _ relation: Relation, by route: TableRoute, to table: TargetTable,
        changedBy xid: TransactionID?
    ) throws -> RelationPlan {
        let known =
            knowledge.knownColumns[relation.id] ?? knowledge.followed[relation.id]?.columns
            ?? KnownColumns()
        let routes = ColumnRoutes(
            relation, source: knowledge.sourceColumns[relation.id] ?? [], known: known,
            target: table,
            sighting: .init(
                earlier: knowledge.agreed[relation.id],
                redescribedBy: relation.repetition > 0 ? xid : nil, changedBy: xid,
                dropped: knowledge.definitions[relation.id]?.dropped), route: route)
        func plan() throws -> RelationPlan {
            try RelationPlan(
                relation: relation, sourceTypes: knowledge.sourceTypes, target: table,
                targetTypes: knowledge.targetTypes, routes: routes,
                retyping: knowledge.retyping(relation.id), checksLabels: false)
        }
        do {
            let made: RelationPlan
            do { made = try plan() } catch is Halt {
                knowledge.targetTypes = try open().typeCatalog()
                made = try plan()
            }
            keep(routes, over: known, of: table, named: route.source, id: relation.id)
            knowledge.leftOut.set(routes.leftOutColumns, of: relation.id)
            return made
        } catch let halt as Halt {
            var settled = known
            settled.settle(routes)
            guard settled != known else { throw halt }
            throw Misfit(
                halt: halt, settled: Learned(id: relation.id, name: route.source, columns: settled))
        }
    }

    /// What was added on both sides since is known by its numbers from here on; with the batch,
    /// also to the next start.
    private func keep(
        _ routes: ColumnRoutes, over known: KnownColumns, of table: TargetTable,
        named name: TableName, id: RelationID
    ) {
        var now = known
        now.learn(routes, on: table)
        guard now != known, knowledge.followed[id] != nil else { return }
        knowledge.knownColumns[id] = now
        if side == nil {
            learned.add(now, of: name)
        } else {
            side?.learned[name] = now
        }
    }

    /// Stores what the batch has taught of columns and was not stored with its rows.
    ///
    /// - Parameter settled: Of the table that a change was refused for.
    func keepLearned(as settled: Learned?) throws {
        var columns = learned.columns
        if let settled, knowledge.followed[settled.id] != nil {
            columns[settled.name] = settled.columns
        }
        guard !columns.isEmpty, !isTransactionOpen else { return }
        try TableStore(session: open(), stream: stream).keep(columns)
        learned = Lessons()
    }

    private func checkForm(_ plan: RelationPlan) throws {
        guard let form = knowledge.sourceForm, form.isBinary else { return }
        let safety = BinarySafety(
            sourceTypes: knowledge.sourceTypes, targetTypes: knowledge.targetTypes)
        let unsafe = safety.unsafeColumns(plan)
        guard unsafe.isEmpty else { throw form.transfer.rule(out: unsafe) }
    }

    private func route(_ relation: Relation) -> TableRoute {
        knowledge.followed.route(of: relation)
            ?? handling.renames.route(of: TableName(relation))
    }

    /// The way to the target of a relation, against the target's catalog of this moment.
    ///
    /// - Parameter changer: The transaction with the relation's first change.
    private func resolve(
        _ relation: Relation, on targets: [TableName: Result<TargetTable, Halt>],
        changedBy changer: () -> TransactionID?
    ) throws -> RelationStatements {
        if let known = cache.find(relation) { return known }
        try checkIsKnown(relation)
        let route = route(relation)
        let target =
            try targets[route.target]?.get() ?? TargetTables.resolve(route.target, on: open())
        let plan = try plan(relation, by: route, to: target, changedBy: changer())
        try checkForm(plan)
        let made = RelationStatements(plan)
        // Whoever has to find its way once more, in the middle of a batch, must not stop to ask.
        knowledge.asked.insert(relation)
        cache.keep(made)
        return made
    }

    // MARK: Types

    /// A table is not what the catalogs read so far say: the source's are to be read again.
    struct NewDefinition: Error {
        var relation: Relation
        /// Made since, or dropped since.
        var types: [UInt32]
        /// Nothing that is described has changed: it may be something else.
        var isRepeated = false
    }

    private func checkIsKnown(_ relation: Relation) throws {
        let types = relation.columns.map(\.typeOID).filter {
            knowledge.sourceTypes[$0] == nil && !knowledge.goneTypes.contains($0)
        }
        let isKnown =
            knowledge.asked.contains(relation)
            || knowledge.sourceColumns[relation.id].map { $0.have(shapeOf: relation) } ?? true
        guard types.isEmpty, isKnown else {
            throw NewDefinition(relation: relation, types: types)
        }
        guard knowledge.isLookedUp(relation) || knowledge.sourceColumns[relation.id] == nil else {
            throw NewDefinition(relation: relation, types: [], isRepeated: true)
        }
    }

    /// What is known of a table's columns is still so, though it was described again.
    func takeOver(_ relation: Relation) {
        // Not remembered each: there may be one a minute for each table.
        knowledge.lookedUpTo[relation.id] = max(
            knowledge.lookedUpTo[relation.id] ?? 0, relation.repetition)
        cache.takeOver(relation)
    }

    func columns(of id: RelationID) -> [SourceColumn] { knowledge.sourceColumns[id] ?? [] }

    /// Takes the source's types and columns as they are now.
    ///
    /// - Parameter described: What the stream says of types; those that are not in the catalog
    ///   were dropped after their values were sent.
    func learn(
        _ types: TypeCatalog, columns: [RelationID: [SourceColumn]],
        definitions: DefinitionWatch.Known?, for new: NewDefinition,
        described: [TypeDescription]
    ) async throws {
        knowledge.ask(new.relation)
        knowledge.sourceColumns.merge(columns) { _, now in now }
        if let definitions {
            knowledge.agreed.merge(definitions.agreed) { _, now in now }
            knowledge.definitions.merge(definitions.now) { _, now in now }
        }
        try await cancellable {
            knowledge.targetTypes = try open().typeCatalog()
            let gone = new.types.filter { types[$0] == nil }
            let known = knowledge.goneTypes.compactMap { knowledge.sourceTypes[$0] }
            let rules = handling.renames
            let named = types.renamed(by: rules, on: knowledge.targetTypes)
            knowledge.sourceTypes = named.adding(
                known
                    + described.filter { gone.contains($0.oid) }.map {
                        CatalogType($0, target: knowledge.targetTypes, renamedBy: rules)
                    })
            knowledge.goneTypes.formUnion(gone)
        }
    }
}
