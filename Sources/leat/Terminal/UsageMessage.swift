/// What the argument parser says of wrong usage. It quotes the arguments that it cannot use, and the
/// pieces of a connection string that was not quoted as a whole are such arguments.
enum UsageMessage {
    static func redacted(_ message: String, arguments: [String]) -> String {
        let areHarmless = arguments.allSatisfy { $0.utf8.allSatisfy(isHarmless) }
        return arguments.map(value).filter { !$0.isEmpty }
            // A shorter one may be a part of a longer one.
            .sorted { $0.utf8.count > $1.utf8.count }
            .reduce(message) { text, value in
                areHarmless ? text : text.replacing("'\(value)'", with: "'...'")
            }
    }

    /// No connection string is made of such bytes alone.
    private static func isHarmless(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_.".utf8.contains(byte)
        }
    }

    /// The part of an argument that may be, or hold, a connection string.
    private static func value(_ argument: String) -> Substring {
        guard argument.hasPrefix("-") else { return argument[...] }
        return argument.split(separator: "=", maxSplits: 1).dropFirst().first ?? ""
    }
}
