/// Selects tables by name: `schema.table` or `table`, where `*` stands for any characters and
/// `?` for one. Without a schema it matches in `public`.
public struct TablePattern: Sendable, Equatable, CustomStringConvertible {
    private let schema: [Character]
    private let name: [Character]

    /// Nil for an empty pattern, or one with an empty part.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }), let last = parts.last else { return nil }
        name = Array(last)
        schema = parts.count == 2 ? Array(parts[0]) : Array("public")
    }

    public var description: String { "\(String(schema)).\(String(name))" }

    public func matches(_ table: TableName) -> Bool {
        TablePattern.matches(schema[...], Array(table.schema)[...])
            && TablePattern.matches(name[...], Array(table.name)[...])
    }

    /// On a mismatch only the last star takes one character more: the earlier ones need not, so
    /// that many stars take no more than pattern times text.
    private static func matches(
        _ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>
    ) -> Bool {
        var (pattern, text) = (pattern, text)
        var afterStar: (pattern: ArraySlice<Character>, text: ArraySlice<Character>)?
        while let character = text.first {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                afterStar = (pattern, text)
            } else if pattern.first == "?" || pattern.first == character {
                pattern = pattern.dropFirst()
                text = text.dropFirst()
            } else if let star = afterStar {
                afterStar = (star.pattern, star.text.dropFirst())
                (pattern, text) = (star.pattern, star.text.dropFirst())
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == "*" }
    }
}
