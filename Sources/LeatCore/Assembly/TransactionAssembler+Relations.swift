internal import PGWire

extension TransactionAssembler {
    mutating func learn(_ relation: Relation, described when: Int) {
        guard when > described[relation.id] ?? 0 else { return }
        described[relation.id] = when
        guard tellsRepetitions || relations[relation.id] != relation else { return }
        let now = counted(relation, after: relations[relation.id])
        relations[relation.id] = now
        forget(relation.id)
    }

    mutating func learnStreamed(_ relation: Relation, in xid: TransactionID) {
        let before = streamed[xid]?.relations[relation.id] ?? relations[relation.id]
        let now = counted(relation, after: before)
        streamed[xid]?.relations[relation.id] = now
        forget(relation.id)
    }

    /// A table that is described again has changed in something, and the columns of the same names
    /// may be others.
    private func counted(_ relation: Relation, after before: Relation?) -> Relation {
        guard tellsRepetitions, let before else { return relation }
        var relation = relation
        relation.repetition = before.repetition + 1
        return relation
    }

    mutating func forget(_ id: RelationID) {
        relationIndexes[id] = nil
        forgetTargets()
    }

    mutating func forgetIndexes() {
        relationIndexes.removeAll(keepingCapacity: true)
        forgetTargets()
    }

    mutating func forgetTargets() {
        targets.removeAll(keepingCapacity: true)
        lastTarget = nil
    }

    /// Targets depend on their transaction as long as that may have been copied, or is left out.
    /// From then on, which is nearly always, they are the same for all that share a batch.
    mutating func keepTargetsIfSettled() {
        guard let open = phase.open, !open.isUnwanted,
            phase.isPiece || open.commitLSN >= settledFrom
        else {
            areTargetsSettled = false
            return forgetTargets()
        }
        if !areTargetsSettled { forgetTargets() }
        areTargetsSettled = true
    }

    func relation(_ id: RelationID) -> Relation? {
        if let xid = phase.streamed, let own = streamed[xid]?.relations[id] { return own }
        return relations[id]
    }

    mutating func target(
        _ id: RelationID, at lsn: LSN
    ) throws(StreamError) -> Target {
        if let last = lastTarget, last.id == id { return last }
        if let known = targets[id] {
            lastTarget = known
            return known
        }
        guard let relation = relation(id) else { throw StreamError(.unknownRelation(id), at: lsn) }
        let target = Target(
            id: id, index: try isWanted(relation) ? index(of: relation) : nil,
            columnCount: relation.columns.count)
        targets[id] = target
        lastTarget = target
        return target
    }

    mutating func index(of relation: Relation) -> UInt32 {
        if let known = relationIndexes[relation.id] { return known }
        let index = UInt32(batch.relations.count)
        batch.relations.append(relation)
        if !types.isEmpty { batch.types += relation.columns.compactMap { types[$0.typeOID] } }
        relationIndexes[relation.id] = index
        return index
    }

    mutating func isWanted(_ relation: Relation) throws(StreamError) -> Bool {
        guard let open = phase.open, !open.isUnwanted else { return false }
        if phase.isPiece { return isFollowed(relation, in: open.xid) }
        // Both are ends of records, so a commit record that starts before one ends there or
        // before it.
        guard open.commitLSN >= position else {
            try compareHistory(relation, in: open)
            return false
        }
        if tables.isEverything { return true }
        guard let table = tables[relation.id] else {
            noteUnfollowed(relation, in: open)
            return false
        }
        return open.commitLSN >= table.snapshot
    }

    /// A change that was to be stored before the position was.
    private func compareHistory(
        _ relation: Relation, in open: OpenTransaction
    ) throws(StreamError) {
        guard let history else { return }
        let snapshot = tables.isEverything ? .zero : tables[relation.id]?.snapshot
        guard let snapshot, open.commitLSN >= snapshot else { return }
        try history.changeCame(in: open.xid, commitLSN: open.commitLSN, origin: phase.origin)
    }

    /// In a transaction that leaves in pieces. It commits after every table was copied; that it
    /// does not follow a table is told then.
    private mutating func isFollowed(_ relation: Relation, in xid: TransactionID) -> Bool {
        if tables[relation.id] != nil { return true }
        streamed[xid]?.unfollowed[relation.id] = TableName(relation)
        return false
    }

    /// One that had the name of a followed table before that was copied is a predecessor that is
    /// gone, and nobody's concern.
    mutating func noteUnfollowed(_ relation: Relation, in open: OpenTransaction) {
        let name = TableName(relation)
        if let snapshot = tables.snapshot(ofName: name), open.commitLSN < snapshot { return }
        if unfollowed[relation.id] == nil { unfollowed[relation.id] = (name, false) }
    }
}
