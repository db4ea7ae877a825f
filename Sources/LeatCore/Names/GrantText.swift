/// Statements that give a role rights which it lacks.
public enum GrantText {
    /// By schemas where there are many.
    ///
    /// - Parameters:
    ///   - kind: `table` or `sequence`.
    ///   - role: Quoted.
    public static func statements(
        _ rights: String, on names: [TableName], kind: String, to role: String
    ) -> [String] {
        Dictionary(grouping: names, by: \.schema).sorted { $0.key < $1.key }.flatMap {
            schema, names in
            let schema = SQLText.identifier(schema)
            let list =
                names.count > NameList.limit
                ? "all \(kind)s in schema \(schema)"
                : "\(kind) " + names.map(\.quoted).joined(separator: ", ")
            return [
                "grant usage on schema \(schema) to \(role);",
                "grant \(rights) on \(list) to \(role);",
            ]
        }
    }
}
