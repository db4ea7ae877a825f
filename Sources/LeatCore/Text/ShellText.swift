internal import PGWire

/// Commands that can be given to a shell as they are printed.
public enum ShellText {
    /// A word of a command, in quotes where a shell would read anything else in it.
    public static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_-./,:=@%+".utf8.contains(byte)
                }
            }
        guard !PrintedText.hasOdd(text) else { return coded(text) }
        return isPlain ? text : "'\(escaped(text))'"
    }

    /// By scalars: a quote before a combining mark is another `Character`.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined()
    }

    /// For bash, zsh and others: what a terminal must not get is written byte by byte.
    private static func coded(_ text: String) -> String {
        let bytes = text.unicodeScalars.map { scalar in
            switch scalar {
            case "'", "\\": return "\\\(scalar)"
            case _ where PrintedText.isOdd(scalar):
                return String(scalar).utf8.map { byte in
                    let digits = String(byte, radix: 8)
                    return "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
                }.joined()
            default: return String(scalar)
            }
        }
        return "$'\(bytes.joined())'"
    }

    public static func command(_ words: [String]) -> String {
        words.map(word).joined(separator: " ")
    }
}
