/// The statements of a script as pg_dump writes it, told apart as psql does it: what stands in
/// quotes, dollar quotes, comments and parentheses, and between BEGIN ATOMIC and END, ends none.
///
/// Texts of others stand in such a script, so no line of it may be taken for anything by its looks.
///
/// Source: "Lexical Structure" in the PostgreSQL manual.
public struct SQLStatements: Sendable {
    /// Each with its semicolon, without the comments and blanks before it.
    public private(set) var statements: [String] = []
    /// Lines between statements that begin with a backslash: commands of psql.
    public private(set) var commands: [String] = []

    private let bytes: [UInt8]
    private var place = 0
    /// `standard_conforming_strings`: off, a backslash in plain quotes takes what follows along.
    private var areStandard = true

    /// - Parameter script: The whole of it.
    public init(_ script: String) {
        bytes = Array(script.utf8)
        while skipBetween() {
            if bytes[place] == UInt8(ascii: "\\") {
                commands.append(takeLine())
            } else {
                let statement = takeStatement()
                statements.append(statement)
                note(statement)
            }
        }
    }

    private mutating func note(_ statement: String) {
        let setting = "SET standard_conforming_strings = "
        if statement.hasPrefix(setting) { areStandard = !statement.hasPrefix(setting + "off") }
    }

    private func at(_ offset: Int = 0) -> UInt8 {
        place + offset < bytes.count ? bytes[place + offset] : 0
    }

    // MARK: Between statements

    /// - Returns: Whether anything is left.
    private mutating func skipBetween() -> Bool {
        while place < bytes.count {
            switch (bytes[place], at(1)) {
            case (UInt8(ascii: " "), _), (UInt8(ascii: "\t"), _), (UInt8(ascii: "\n"), _),
                (UInt8(ascii: "\r"), _):
                place += 1
            case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                _ = takeLine()
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                skipComment()
            default:
                return true
            }
        }
        return false
    }

    private mutating func takeLine() -> String {
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// They nest.
    private mutating func skipComment() {
        var depth = 0
        while place < bytes.count {
            switch (bytes[place], at(1)) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")): (depth, place) = (depth + 1, place + 2)
            case (UInt8(ascii: "*"), UInt8(ascii: "/")): (depth, place) = (depth - 1, place + 2)
            default: place += 1
            }
            if depth == 0 { return }
        }
    }

    // MARK: Within a statement

    private mutating func takeStatement() -> String {
        let start = place
        var nesting = SQLNesting()
        while place < bytes.count {
            let byte = bytes[place]
            switch (byte, at(1)) {
            case (UInt8(ascii: "'"), _):
                skipQuoted(byte, escapes: !areStandard)
            case (UInt8(ascii: "\""), _):
                skipQuoted(byte, escapes: false)
            case (UInt8(ascii: "$"), _):
                skipDollarQuoted()
            case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                _ = takeLine()
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                skipComment()
            case (UInt8(ascii: ";"), _):
                place += 1
                if nesting.isOutside {
                    return String(decoding: bytes[start..<place], as: UTF8.self)
                }
            case _ where SQLStatements.isPartOfName(byte):
                takeWord(&nesting)
            default:
                nesting.take(byte)
                place += 1
            }
        }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private static func isPartOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xFF:
            true
        default:
            false
        }
    }

    /// A name or keyword, in which a dollar sign quotes nothing; or the letter before a quote.
    private mutating func takeWord(_ nesting: inout SQLNesting) {
        let start = place
        while place < bytes.count,
            SQLStatements.isPartOfName(bytes[place]) || bytes[place] == UInt8(ascii: "$")
        {
            place += 1
        }
        let word = String(decoding: bytes[start..<place], as: UTF8.self).uppercased()
        if word == "E", at() == UInt8(ascii: "'") {
            return skipQuoted(UInt8(ascii: "'"), escapes: true)
        }
        nesting.take(word)
    }

    /// A quote in it is written twice. One that goes on behind a line break is of the same kind.
    private mutating func skipQuoted(_ quote: UInt8, escapes: Bool) {
        place += 1
        while place < bytes.count {
            if escapes, bytes[place] == UInt8(ascii: "\\") {
                place += 2
            } else if bytes[place] != quote {
                place += 1
            } else if at(1) == quote {
                place += 2
            } else {
                place += 1
                guard escapes, let next = continued(quote) else { return }
                place = next
            }
        }
    }

    private func continued(_ quote: UInt8) -> Int? {
        var (next, hasBreak) = (place, false)
        while next < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[next]) {
            if bytes[next] == 0x0A || bytes[next] == 0x0D { hasBreak = true }
            next += 1
        }
        return hasBreak && next < bytes.count && bytes[next] == quote ? next + 1 : nil
    }

    /// `$tag$ ... $tag$`; a dollar sign that begins no tag, as in `$1`, is passed over.
    private mutating func skipDollarQuoted() {
        let start = place
        place += 1
        if !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(at()) {
            while place < bytes.count, SQLStatements.isPartOfName(bytes[place]) { place += 1 }
        }
        guard at() == UInt8(ascii: "$") else { return }
        place += 1
        let tag = bytes[start..<place]
        while place < bytes.count, !bytes[place...].starts(with: tag) { place += 1 }
        place = min(place + tag.count, bytes.count)
    }
}

/// Where in a statement a semicolon does not end it.
private struct SQLNesting {
    private var parentheses = 0
    /// BEGIN and CASE that are not ended yet.
    private var blocks = 0
    private var words: [String] = []

    var isOutside: Bool { parentheses == 0 && blocks == 0 }

    mutating func take(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "("): parentheses += 1
        case UInt8(ascii: ")"): parentheses = max(0, parentheses - 1)
        default: break
        }
    }

    /// Only the body of a function is one of statements.
    mutating func take(_ word: String) {
        if words.count < 4 { words.append(word) }
        guard words.first == "CREATE", words.contains("FUNCTION") || words.contains("PROCEDURE")
        else { return }
        switch word {
        case "BEGIN": blocks += 1
        case "CASE" where blocks > 0: blocks += 1
        case "END" where blocks > 0: blocks -= 1
        default: break
        }
    }
}
