extension TableName {
    /// Those that it may have been meant for: see ``TablePattern/nearMisses(among:)``.
    func nearMisses(among names: [TableName]) -> [TableName] {
        let pattern = TablePattern(SQLText.listed("_") + "." + SQLText.listed(name))
        return pattern?.nearMisses(among: names) ?? []
    }
}

extension String {
    /// The same for a name that stands by itself.
    func nearMisses(among names: [String]) -> [String] {
        TableName(schema: "", name: self)
            .nearMisses(among: names.map { TableName(schema: "", name: $0) }).map(\.name)
    }
}
