/// Selects tables by name: `schema.table` or `table`, where `*` stands for any characters and
/// `?` for one. Without a schema it matches in `public`.
public struct TablePattern: Sendable, Equatable {
    private let schema: [Character]
    private let name: [Character]

    /// Nil for an empty pattern, or one with an empty part.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }), let last = parts.last else { return nil }
        name = Array(last)
        schema = parts.count == 2 ? Array(parts[0]) : Array("public")
    }

    public func matches(_ table: TableName) -> Bool {
        TablePattern.matches(schema[...], Array(table.schema)[...])
            && TablePattern.matches(name[...], Array(table.name)[...])
    }

    private static func matches(
        _ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        switch first {
        case "*":
            return matches(pattern.dropFirst(), text)
                || (!text.isEmpty && matches(pattern, text.dropFirst()))
        case "?":
            return !text.isEmpty && matches(pattern.dropFirst(), text.dropFirst())
        default:
            return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
        }
    }
}
