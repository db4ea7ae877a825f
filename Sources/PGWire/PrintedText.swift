/// Text that others have made, names above all, as it may be printed.
///
/// A name may hold what moves a terminal's cursor, begins a line that looks like one of ours, or
/// turns the direction of writing. Such characters are shown by their code points.
public enum PrintedText {
    /// On one line: `a\nb`, `\x1B[2J`, `\u{202E}`.
    public static func line(_ text: String) -> String {
        escaped(text, by: escape) { isOdd($0) }
    }

    /// Text of ours with line breaks of ours.
    public static func lines(_ text: String) -> String {
        escaped(text, by: escape) { isOdd($0) && $0 != "\n" }
    }

    /// A JSON document, where only strings can have such characters in them.
    public static func json(_ document: String) -> String {
        escaped(
            document,
            by: { scalar in
                UTF16.encode(scalar).map {
                    $0.map { "\\u" + hexadecimal(UInt32($0), digits: 4) }.joined()
                }
                    ?? ""
            }
        ) { isOdd($0) && $0 != "\n" && $0 != "\t" }
    }

    /// Control and format characters, and what else ends a line. The joiners belong to words of some
    /// scripts.
    public static func isOdd(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value < 0x20 }
        return switch scalar.properties.generalCategory {
        case .format: scalar.value != 0x200C && scalar.value != 0x200D
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Whether a character is in it that a terminal would obey, or nobody would see.
    public static func hasOdd(_ text: String) -> Bool {
        text.unicodeScalars.contains(where: isOdd)
    }

    /// In hexadecimal digits, with as many zeros before them as are needed.
    public static func hexadecimal(_ number: UInt32, digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(digits - text.utf8.count, 0)) + text
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case _ where scalar.value < 0x100: "\\x" + hexadecimal(scalar.value, digits: 2)
        default: "\\u{\(hexadecimal(scalar.value, digits: 4))}"
        }
    }

    private static func escaped(
        _ text: String, by escape: (Unicode.Scalar) -> String, isOdd: (Unicode.Scalar) -> Bool
    ) -> String {
        // What nearly all text is.
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
        guard text.unicodeScalars.contains(where: isOdd) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isOdd(scalar) {
                result.append(contentsOf: escape(scalar).unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}
