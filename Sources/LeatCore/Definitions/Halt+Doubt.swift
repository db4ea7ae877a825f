public import PGWire

extension Halt {
    /// Rows of a table may be others than those that were sent: only a copy tells.
    public static func doubtful(
        _ table: TableName, by doubts: [DefinitionChange.Doubt]
    ) -> Halt {
        doubtful(table, because: doubts.map(\.reason).joined(separator: "; "))
    }

    public static func doubtful(_ table: TableName, because reason: String) -> Halt {
        var halt = Halt(
            .stoppedOnChange, "Table \(table) may have rows that were not sent: \(reason).")
        halt.copiesAnew = [table]
        halt.doubtReason = reason
        return halt
    }

    /// Whether the stream cannot go on with the table, whatever is done to the target's.
    public var isDoubt: Bool { !copiesAnew.isEmpty && advice == nil }
}

extension Halt {
    /// The same with the way on.
    ///
    /// - Parameters:
    ///   - command: Starts the stream so that such tables are copied.
    ///   - stream: Where somebody may know better, and say so.
    public func advisingCopy(_ command: String, accepting stream: StreamName?) -> Halt {
        guard !copiesAnew.isEmpty else { return self }
        var lines = [
            """
            \(isDoubt ? "This" : "Or this") empties such tables on the target and copies them, and \
            leaves the others as they are:
            """,
            command,
        ]
        if let stream {
            let names = copiesAnew.map {
                "(\(SQLText.literal($0.schema)), \(SQLText.literal($0.name)))"
            }
            lines += [
                "If their rows are those of the source all the same, say so on the target:",
                """
                update leat.tables set definition = null, doubt = null, column_numbers = null \
                where stream = \
                \(SQLText.literal(stream.text)) and (schema_name, table_name) in \
                (\(names.joined(separator: ", ")));
                """,
            ]
        }
        var halt = self
        halt.advice = ([advice].compactMap { $0 } + lines).joined(separator: "\n")
        return halt
    }
}

extension Halt {
    /// The same with the way on of an archive.
    ///
    /// - Parameter command: Goes on with a new base.
    public func advisingBase(_ command: String) -> Halt {
        guard !copiesAnew.isEmpty else { return self }
        var halt = self
        halt.advice = """
            This copies the tables into the archive once more, and goes on recording with nothing \
            lost. Replays from the new base are right; those from older ones end before the change:
            \(command)
            """
        return halt
    }

    /// A replay has come to where rows are no longer those of the source.
    ///
    /// - Parameters:
    ///   - anew: Begins with the base that makes up for it.
    ///   - accepting: Goes on all the same.
    public init(
        _ doubt: ArchiveDoubt, at position: LSN, anew: (LSN) -> String, accepting: String
    ) {
        self.init(
            .stoppedOnChange,
            """
            From \(doubt.since) on the archive may have other rows of table \(doubt.table) than \
            the source: \(doubt.reason). The replay is at \(position).
            """)
        let base =
            doubt.until.map { "The base at \($0) has them as they are since then:\n\(anew($0))" }
                ?? """
                No base has them yet: record one with leat record --new-base, and begin anew from it \
                with --rewind.
                """
        advice = "\(base)\nThis goes on with the rows that the archive has:\n\(accepting)"
    }
}

extension DefinitionChange {
    /// The same of a truncate that was sent, and an ALTER behind it.
    public static let hiddenBehindTruncate = """
        it was truncated on the source, and then altered or in a savepoint, and whether it was unlogged \
        since, or one of its partitions truncated by itself, does not show any more
        """

    /// What ``hidesUnlogged`` means, for a sentence.
    public static let hiddenReason = """
        an ALTER of the source that gave a column another type has rewritten it, and whether it was \
        unlogged for a while before that, or one of its partitions truncated by itself, does not \
        show any more
        """
}

extension DefinitionChange.Doubt {
    /// What happened, for a sentence.
    public var reason: String {
        switch self {
        case .rewritten(let column):
            """
            column \(column) was rewritten on the source by an ALTER, and what its USING made of \
            the rows is not sent
            """
        case .retyped(let column, let type):
            """
            column \(column) was given the type \(type) on the source by an ALTER that rewrote \
            the rows, and what its USING made of them is not sent
            """
        case .remade(let column):
            """
            column \(column) was dropped and made again on the source, or has a name that another \
            one had, and the changes that are still to come may be those of either
            """
        case .remadeOnTarget(let column):
            """
            column \(column) was dropped and made again on the target, and the source still has \
            the one from before, whose values go nowhere
            """
        case .filled(let column, let expression?):
            """
            column \(column) has the default \(expression) on the source: rows from before it got \
            values that are not sent, and the table must be copied anew
            """
        case .filled(let column, nil):
            """
            column \(column) was added on the source, which was rewritten since: rows from before \
            it may have got values that are not sent, and the table must be copied anew
            """
        case .unlogged(let oid, _, _, _):
            """
            relation \(oid) of the source has other rows than were sent, as after SET UNLOGGED and \
            SET LOGGED, or TRUNCATE of one partition
            """
        case .isUnlogged(let oid):
            """
            relation \(oid) is unlogged on the source, and what is done to an unlogged table is not \
            sent
            """
        }
    }
}
