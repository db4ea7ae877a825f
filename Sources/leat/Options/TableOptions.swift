import LeatCore

/// Options that name tables.
enum TableOptions {
    /// - Parameter texts: Patterns, or several with commas between them.
    static func patterns(_ texts: [String], option: String) throws(Halt) -> [TablePattern] {
        var patterns: [TablePattern] = []
        for text in texts.flatMap(TablePattern.texts) {
            guard let pattern = TablePattern(text) else {
                throw Halt(
                    .configuration, "\(option) \"\(text)\" names no table.",
                    advice: """
                        Write schema.table or table, with * and ? as you like; what is in double \
                        quotes stands for itself: '"Sales"."Order.Items"'.
                        """)
            }
            patterns.append(pattern)
        }
        return patterns
    }
}
