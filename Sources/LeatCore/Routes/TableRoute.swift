/// Which table of the target a table of the source goes to, and under which names its columns.
///
/// Made once at a start, and used by all that goes from one side to the other. Which of the target's
/// columns are there, by their numbers and types, is what ``ColumnRoutes`` makes of it.
public struct TableRoute: Sendable, Hashable {
    /// A column that has another name on the target.
    public struct Column: Sendable, Hashable {
        public var source: String
        public var target: String

        public init(source: String, target: String) {
            self.source = source
            self.target = target
        }
    }

    /// On the source, and in `leat.tables`.
    public var source: TableName
    public var target: TableName
    /// Those alone that a rule names.
    public var renamed: [Column]

    /// Under the source's names, unless told otherwise.
    public init(_ source: TableName, target: TableName? = nil, renamed: [Column] = []) {
        self.source = source
        self.target = target ?? source
        self.renamed = renamed
    }

    /// The target's name of a column.
    public func column(_ name: String) -> String { rule(of: name)?.target ?? name }

    func rule(of column: String) -> Column? {
        renamed.first { $0.source.isSameName(as: column) }
    }

    /// The source's name of a column that a rule has brought there.
    func rule(leadingTo column: String) -> Column? {
        renamed.first { $0.target.isSameName(as: column) }
    }

    /// Whether the target's column of this name is where rules have brought a column, also under a name
    /// that it had before on the source.
    ///
    /// - Parameter present: All names that the table's columns have.
    public func leads(_ column: String, to found: String, among present: [String]) -> Bool {
        guard !self.column(column).isSameName(as: found) else { return true }
        guard let rule = rule(leadingTo: found), self.rule(of: column) == nil else { return false }
        return !present.contains { $0.isSameName(as: rule.source) }
    }

    /// Both names where they differ, else the one: for people.
    public var description: String {
        source == target ? "\(source)" : "\(source) (\(target) on the target)"
    }

    public var isRenamed: Bool { source != target || !renamed.isEmpty }

    /// What gives a table of the source's names those of the target, but for its own name.
    var columnStatements: [String] {
        let alter = "alter table \(target.quoted) rename column"
        return NameRing.ordered(
            renamed.map { NameRing.Rename(from: $0.source, to: $0.target) },
            aside: { "leat_renamed_\($0)" }
        ).map { "\(alter) \(SQLText.identifier($0.from)) to \(SQLText.identifier($0.to));" }
    }
}
