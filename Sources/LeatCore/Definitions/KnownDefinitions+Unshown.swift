/// What of a change a target learns from the stream alone, where no catalog is asked beside it: that
/// of an archive is recorded when a table is described anew.
extension KnownDefinitions {
    /// Whether ``unshown(in:sent:types:)`` needs the source's types.
    public func isRetyped(in now: TableDefinition, sent: [String]) -> Bool {
        [base, seen].contains { !change(from: $0, to: now, sent).retyped.isEmpty }
    }

    /// Changes of rows that nobody who reads the stream would notice:
    ///
    /// - A column made again under its name: the relation may be described as before.
    /// - Another type that the one of before holds exactly: a column of that takes the new values
    ///   without a word, and keeps what the ALTER has changed.
    public func unshown(
        in now: TableDefinition, sent: [String], types: TypeCatalog
    ) -> [DefinitionChange.Finding] {
        var findings: [DefinitionChange.Finding] = []
        for earlier in isAhead ? [base, seen] : [seen] {
            let new =
                remade(since: earlier, in: now, sent: sent)
                + held(since: earlier, in: now, sent: sent, types: types)
            findings += new.filter { !findings.contains($0) }
        }
        return findings
    }

    /// Columns that an ALTER may have given other values since the stored position, under the same
    /// type. Where the table has none of those rows any more, that is no doubt: but a change of
    /// before then may miss one.
    public var rewrittenAhead: [String] {
        guard isAhead, !seen.rewritten(since: base).isEmpty else { return [] }
        return seen.columns.filter { column in
            guard column.generation == .none, let earlier = base[column.number] else {
                return false
            }
            return column.hasType(of: earlier) && column.version != earlier.version
        }.map(\.name)
    }

    private func change(
        from earlier: TableDefinition, to now: TableDefinition, _ sent: [String]
    ) -> DefinitionChange {
        DefinitionChange(from: earlier, to: now, sent: sent, mayBeUnlogged: { _ in false })
    }

    private func remade(
        since earlier: TableDefinition, in now: TableDefinition, sent: [String]
    ) -> [DefinitionChange.Finding] {
        now.columns.filter { column in
            earlier[column.number] == nil
                && sent.contains { $0.isSameName(as: column.name) }
                && earlier.columns.contains {
                    $0.name.isSameName(as: column.name) && now[$0.number] == nil
                }
        }.map { .init(doubt: .remade(column: $0.name), files: [], since: $0.version) }
    }

    private func held(
        since earlier: TableDefinition, in now: TableDefinition, sent: [String],
        types: TypeCatalog
    ) -> [DefinitionChange.Finding] {
        let files = now.rewritten(since: earlier).map(\.oid)
        return change(from: earlier, to: now, sent).retyped.compactMap { number in
            guard let column = now[number], let before = earlier[number],
                let type = types[column.typeOID]
            else { return nil }
            guard let old = types[before.typeOID] else { return nil }
            let match = TypeMatch(
                source: .init(type: type, modifier: column.typeModifier, catalog: types),
                target: .init(type: old, modifier: before.typeModifier, catalog: types))
            if case .incompatible = match { return nil }
            let doubt = DefinitionChange.Doubt.retyped(
                column: column.name, type: type.definition(column.typeModifier))
            return .init(
                doubt: doubt, files: files, since: earlier.since(changeOf: column))
        }
    }
}
