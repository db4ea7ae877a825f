import LeatCore

/// Options that name tables.
enum TableOptions {
    /// - Parameter texts: Patterns, or several with commas between them.
    static func patterns(_ texts: [String], _ option: String) throws(Halt) -> [TablePattern] {
        var patterns: [TablePattern] = []
        // An empty one is more likely a variable that was not set than a wish for all tables.
        for text in texts.flatMap({
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }) {
            guard let pattern = TablePattern(String(text)) else {
                throw Halt(
                    .configuration, "\(option) \"\(text)\" names no table.",
                    advice: "Write schema.table or table, with * and ? as you like.")
            }
            patterns.append(pattern)
        }
        return patterns
    }
}
