import LeatCore

/// Options that name tables.
enum TableOptions {
    /// - Parameter texts: Patterns, or several with commas between them.
    static func patterns(_ texts: [String], _ option: String) throws(Halt) -> [TablePattern] {
        var patterns: [TablePattern] = []
        for text in texts.flatMap({ $0.split(separator: ",") }) {
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
