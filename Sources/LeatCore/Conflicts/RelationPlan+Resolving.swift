extension RelationPlan {
    /// The columns of a unique index of the target that name a row of the source.
    private var uniqueKey: [Int] {
        switch identity {
        case .key(let columns, _): columns
        case .full(let key, _): key
        case .record: []
        }
    }

    /// An insert that makes a row of the same key, where there is one, what the source's row is.
    ///
    /// One statement, and not an update after the insert has failed: another session of the
    /// target may delete the row in between, and this waits for it or holds it off. A clash on
    /// another unique index is still an error.
    ///
    /// - Parameter fromOld: Columns whose value only the old tuple has.
    /// - Returns: Nil if the target has no unique index on the key, or nothing that can be set.
    public func insertOrReplace(fromOld: [Int] = []) -> ChangeStatement? {
        guard !uniqueKey.isEmpty else { return nil }
        let settable = written.filter { !columns[$0].isIdentityAlways }
        guard !settable.isEmpty else { return nil }
        var writer = StatementWriter(plan: self)
        let insert = insertText(fromOld: fromOld, into: &writer)
        let key = uniqueKey.map(writer.name).joined(separator: ", ")
        let assignments = settable.map { "\(writer.name($0)) = excluded.\(writer.name($0))" }
        // Such a column cannot be written: if it differs the row stays, which is noticed.
        let unwritable = identityAlways.filter { !uniqueKey.contains($0) }
            .map { "t.\(writer.name($0)) is not distinct from excluded.\(writer.name($0))" }
        let condition = unwritable.isEmpty ? "" : " where \(unwritable.joined(separator: " and "))"
        return writer.statement(
            """
            \(insert) on conflict (\(key)) do update set \
            \(assignments.joined(separator: ", "))\(condition)
            """)
    }

    /// An insert of the row that an update leaves.
    ///
    /// - Parameter fromOld: Columns whose value only the old tuple has.
    public func insertUpdated(fromOld: [Int]) -> ChangeStatement {
        var writer = StatementWriter(plan: self)
        let insert = insertText(fromOld: fromOld, into: &writer)
        return writer.statement(insert)
    }

    private func insertText(fromOld: [Int], into writer: inout StatementWriter) -> String {
        let values = written.map { writer.parameter($0, isOld: fromOld.contains($0)) }
        let names = written.map(writer.name)
        return """
            insert into \(target.name.quoted) as t (\(names.joined(separator: ", "))) \
            overriding system value values (\(values.joined(separator: ", ")))
            """
    }
}
