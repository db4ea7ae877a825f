/// What the argument parser says of wrong usage. It quotes the arguments that it cannot use: a
/// connection string that was not quoted as a whole would show its password.
enum UsageMessage {
    static func redacted(_ message: String, _ arguments: [String]) -> String {
        arguments.reduce(message) { text, argument in
            guard let value = value(argument), !value.isEmpty else { return text }
            return text.replacing("'\(value)'", with: "'...'")
        }
    }

    /// The part of an argument that may be, or hold, a connection string.
    private static func value(_ argument: String) -> Substring? {
        if argument.hasPrefix("-") {
            return argument.split(separator: "=", maxSplits: 1).dropFirst().first
        }
        let isConninfo = argument.contains("=") || argument.contains("://")
        return isConninfo ? argument[...] : nil
    }
}
