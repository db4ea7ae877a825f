/// Whether rows of a table may have other values than were sent, by what its definition was and
/// is.
///
/// A worked example. A table has 1 `id`, 2 `v`, each changed last by transaction 750, and file
/// 16389. After `alter table t alter v type text using upper(v)`, by transaction 758, it has file
/// 16401, and `v` version 758: the values of `v` are others, and no row was sent. After VACUUM FULL
/// it has another file, but the versions are as they were: no row has changed.
public struct DefinitionChange: Sendable, Equatable {
    /// Why rows may be others than those that were sent.
    public enum Doubt: Sendable, Hashable {
        /// ALTER ... TYPE ... USING may have given the column other values.
        case rewritten(column: String)
        /// The same, with another type, which the target's column has had all the time.
        case retyped(column: String, type: String)
        /// The column was dropped and made again, and the stream does not tell which of the two its
        /// changes are about.
        case remade(column: String)
        /// The target's column was dropped and made again, and the source has its own still.
        case remadeOnTarget(column: String)
        /// Rows that were there before the column got values of their own in it.
        case filled(column: String, defaultExpression: String?)
        /// The table was unlogged for a while, or a partition was truncated by itself: nothing of
        /// that is sent. Or it was truncated, which is: by the transaction that changed its row of
        /// `pg_class` last, which has also written rows that are there, or has not; nil where it is
        /// not known.
        case unlogged(oid: UInt32, changer: UInt32?, hasRows: Bool, alteration: Alteration)
        /// It is unlogged now.
        case isUnlogged(oid: UInt32)

        /// Whether a truncate that is still to come may explain it.
        public var mayBeTruncate: Bool {
            if case .unlogged = self { true } else { false }
        }
    }

    /// Whether an ALTER has written a table anew: only that makes a table unlogged, and logged.
    public enum Alteration: Sendable, Hashable {
        /// It was only truncated, or written anew by VACUUM FULL or CLUSTER.
        case none
        /// One of those came behind it, and nothing shows in which order with what else.
        case earlier
        /// It was the last to do so.
        case last
        /// There is no TOAST table that would tell.
        case unknown
    }

    /// A doubt, and what would rule it out: a row of one of these tables that was there before this
    /// transaction. ALTER gives each row that it rewrites a new `xmin`; VACUUM FULL and CLUSTER do
    /// not. That of the last ALTER is not enough: one before it may have rewritten.
    public struct Finding: Sendable, Equatable {
        public var doubt: Doubt
        public var files: [UInt32]
        public var since: UInt32

        public init(doubt: Doubt, files: [UInt32], since: UInt32) {
            self.doubt = doubt
            self.files = files
            self.since = since
        }
    }

    public private(set) var findings: [Finding] = []
    /// Columns whose type changed together with a rewrite: the stream shows where, by the relation
    /// that describes the rows from there on.
    public private(set) var retyped: [Int] = []
    /// Whether such a rewrite has given all rows a number of its own, so that it does not show any
    /// more whether the table was unlogged for a while before it.
    public private(set) var hidesUnlogged = false

    /// - Parameters:
    ///   - earlier: As it was.
    ///   - now: As it is.
    ///   - sent: Names of the columns whose values are sent; others are computed by the target.
    ///   - mayBeUnlogged: Of a table or partition, whether the source lets it be unlogged while it
    ///     is published, and it may have been.
    public init(
        from earlier: TableDefinition, to now: TableDefinition, sent: [String],
        mayBeUnlogged: (UInt32) -> Bool
    ) {
        let files = now.files.values.sorted { $0.oid < $1.oid }
        for file in files where !file.isLogged && earlier.files[file.oid]?.isLogged != false {
            findings.append(Finding(doubt: .isUnlogged(oid: file.oid), files: [], since: 0))
        }
        let rewritten = now.rewritten(since: earlier)
        guard !rewritten.isEmpty else { return }
        if rewritten.contains(where: { !$0.isEmpty }) {
            for column in now.columns
            where sent.contains(where: { $0.isSameName(as: column.name) }) {
                compare(column, with: earlier, rewriting: rewritten.map(\.oid))
            }
        }
        // Also what was empty and is empty: rows may have come in between, and been sent.
        let others = rewritten.filter { $0.isLogged && mayBeUnlogged($0.oid) }
        guard retyped.isEmpty else {
            hidesUnlogged = !others.isEmpty
            return
        }
        // Also beside an ALTER that may have rewritten the rows: an older one rules only that out.
        findings += others.map { file in
            Finding(
                doubt: .unlogged(
                    oid: file.oid, changer: nil, hasRows: false,
                    alteration: now.alteration(of: file.oid, since: earlier)),
                files: [file.oid], since: earlier.horizon)
        }
    }

    private mutating func compare(
        _ column: SourceColumn, with table: TableDefinition, rewriting rewritten: [UInt32]
    ) {
        guard let earlier = table[column.number] else {
            // VACUUM FULL writes a constant default into old rows and forgets it, and leaves them
            // as old as they are: nothing rules it out. As long as it is known, it is a part of
            // the statement for the target.
            guard column.missingValue == nil else { return }
            let doubt = Doubt.filled(
                column: column.name, defaultExpression: column.defaultExpression)
            return findings.append(Finding(doubt: doubt, files: [], since: column.version))
        }
        guard column.version != earlier.version else { return }
        guard column.hasType(of: earlier) else { return retyped.append(column.number) }
        findings.append(
            Finding(
                doubt: .rewritten(column: column.name), files: rewritten,
                since: table.since(changeOf: column)))
    }
}
