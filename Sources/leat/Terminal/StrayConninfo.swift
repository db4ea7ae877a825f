/// A connection string where none belongs, which might be shown: as the name of a slot, a pattern of
/// tables, a folder. Whatever the command, it is refused before anything else is read.
enum StrayConninfo {
    /// The options that take one, of whatever command.
    private static let options: Set = ["--source", "--target"]

    /// - Returns: Why the arguments are not read; nil if they may be.
    static func refusal(_ arguments: [String]) -> String? {
        let stray = arguments.indices.first { index in
            isConninfo(arguments[index]) && !isGiven(arguments[index])
                && (index == 0 || !options.contains(arguments[index - 1]))
        }
        return stray.map { index in
            """
            Error: Argument \(index + 1) is, or holds, a connection string, and is not shown: there \
            may be a password in it. Only --source and --target take one, as one word.
            See 'leat --help' for more information.
            """
        }
    }

    /// Whether it may be one that has a password in it.
    private static func isConninfo(_ text: String) -> Bool {
        text.contains("://") || text.contains(#/(password|passwd|secret|_key)\s*=/#.ignoresCase())
    }

    /// `--source=...`
    private static func isGiven(_ argument: String) -> Bool {
        options.contains { argument.hasPrefix("\($0)=") }
    }
}
