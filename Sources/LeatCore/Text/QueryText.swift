/// A statement of somebody's session, as it may be printed: on one line, without its values.
public enum QueryText {
    /// Constants are `?`, comments are gone, names stay.
    ///
    /// Where a backslash in a string makes it unclear how the session reads it, the rest is left
    /// out: it could be a value.
    public static func withoutValues(_ query: String, limit: Int = 160) -> String {
        var scanner = Scanner(query)
        let words = scanner.scan().split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > limit ? words.prefix(limit - 3) + "..." : words
    }

    /// On one line.
    public static func plain(_ query: String, limit: Int = 160) -> String {
        let words = query.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > limit ? words.prefix(limit - 3) + "..." : words
    }
}

private struct Scanner {
    private let text: [Unicode.Scalar]
    private var index = 0
    private var result = String.UnicodeScalarView()

    init(_ query: String) {
        text = Array(query.unicodeScalars)
    }

    mutating func scan() -> String {
        while index < text.count { step() }
        return String(result)
    }

    private mutating func step() {
        let scalar = text[index]
        switch scalar {
        case "'": string()
        case "\"": identifier()
        case "-" where peek(1) == "-": lineComment()
        case "/" where peek(1) == "*": comment()
        case "$" where !followsWord: dollarQuoted()
        case "0"..."9" where !followsWord: number()
        default: take()
        }
    }

    private mutating func take() {
        result.append(text[index])
        index += 1
    }

    private func peek(_ distance: Int) -> Unicode.Scalar? {
        index + distance < text.count ? text[index + distance] : nil
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar == "$" || scalar.value >= 128
            || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
            || ("0"..."9").contains(scalar)
    }

    private var followsWord: Bool { result.last.map(Scanner.isWord) ?? false }

    /// A constant in single quotes, with a letter before it or none.
    private mutating func string() {
        let before = result.suffix(2)
        let isAlone = before.count < 2 || !Scanner.isWord(before[before.startIndex])
        if isAlone, let prefix = before.last, "eEbBxXnN".unicodeScalars.contains(prefix) {
            result.removeLast()
        }
        result.append("?")
        index += 1
        while index < text.count {
            if text[index] == "\\" {
                index = text.count
                result.append(contentsOf: "...".unicodeScalars)
            } else if text[index] == "'" {
                guard peek(1) == "'" else {
                    index += 1
                    return
                }
                index += 2
            } else {
                index += 1
            }
        }
    }

    private mutating func identifier() {
        take()
        while index < text.count {
            let isEnd = text[index] == "\""
            take()
            if isEnd { return }
        }
    }

    private mutating func lineComment() {
        skip(past: ["\n"])
        result.append(" ")
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if text[index] == "/", peek(1) == "*" {
                depth += 1
                index += 2
            } else if text[index] == "*", peek(1) == "/" {
                depth -= 1
                index += 2
            } else {
                index += 1
            }
        } while depth > 0 && index < text.count
        result.append(" ")
    }

    /// `$tag$...$tag$`; a parameter, `$1`, stays.
    private mutating func dollarQuoted() {
        var end = index + 1
        while end < text.count, Scanner.isWord(text[end]), text[end] != "$" { end += 1 }
        let isParameter = peek(1).map { ("0"..."9").contains($0) } ?? false
        guard end < text.count, text[end] == "$", !isParameter else {
            take()
            while index < text.count, ("0"..."9").contains(text[index]) { take() }
            return
        }
        let tag = Array(text[index...end])
        index = end + 1
        result.append("?")
        skip(past: tag)
    }

    private mutating func number() {
        result.append("?")
        while index < text.count, Scanner.isWord(text[index]) || text[index] == "." { index += 1 }
    }

    private mutating func skip(past end: [Unicode.Scalar]) {
        while index < text.count {
            if text[index...].starts(with: end) {
                index += end.count
                return
            }
            index += 1
        }
    }
}
