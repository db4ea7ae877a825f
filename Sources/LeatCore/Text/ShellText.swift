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
        return isPlain ? text : "'\(text.replacing("'", with: "'\\''"))'"
    }

    public static func command(_ words: [String]) -> String {
        words.map(word).joined(separator: " ")
    }
}
