/// The order in which tables are filled whose foreign keys are checked: referenced ones first.
public struct ForeignKeyOrder: Sendable {
    /// A foreign key between two tables.
    public struct Key: Sendable, Hashable {
        public var constraint: String
        public var child: TableName
        public var parent: TableName

        public init(constraint: String, child: TableName, parent: TableName) {
            self.constraint = constraint
            self.child = child
            self.parent = parent
        }
    }

    private let keys: [Key]

    /// - Parameter keys: A table's foreign keys to itself do not matter: the rows that one COPY
    ///   brings are checked at its end.
    public init(_ keys: [Key]) {
        self.keys = keys.filter { $0.child != $0.parent }
    }

    /// Tables that may be filled together, level by level.
    ///
    /// - Returns: The levels, and the foreign keys among tables that refer to each other in a
    ///   circle, or to such: those are in no level.
    public func levels(_ tables: [TableName]) -> (levels: [[TableName]], circle: [Key]) {
        var left = tables
        var levels: [[TableName]] = []
        while !left.isEmpty {
            let waiting = keys(among: left)
            let level = left.filter { table in !waiting.contains { $0.child == table } }
            guard !level.isEmpty else { return (levels, circle(waiting)) }
            levels.append(level)
            left.removeAll { level.contains($0) }
        }
        return (levels, [])
    }

    private func keys(among tables: [TableName]) -> [Key] {
        let set = Set(tables)
        return keys.filter { set.contains($0.child) && set.contains($0.parent) }
    }

    /// Without the keys of tables that only hang from the circle: dropping those helps nobody.
    private func circle(_ keys: [Key]) -> [Key] {
        var circle = keys
        while true {
            let parents = Set(circle.map(\.parent))
            let kept = circle.filter { parents.contains($0.child) }
            if kept.count == circle.count { return circle }
            circle = kept
        }
    }
}
