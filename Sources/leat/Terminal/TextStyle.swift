import Foundation
import PGWire

/// How standard output looks: in colour and as wide as the terminal, or plain where it is none.
struct TextStyle: Sendable {
    var usesColour: Bool
    /// Nil where lines may be as long as they are.
    var width: Int?

    static let plain = TextStyle(usesColour: false, width: nil)

    /// Of standard output now: a terminal may be resized.
    static var output: TextStyle {
        guard isatty(STDOUT_FILENO) == 1 else { return plain }
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return TextStyle(
            usesColour: ProcessInfo.processInfo.environment["NO_COLOR"]?.isEmpty ?? true,
            width: isKnown ? Int(size.ws_col) : 80)
    }

    func bold(_ text: String) -> String { coloured(text, code: "1") }
    func dim(_ text: String) -> String { coloured(text, code: "2") }
    func red(_ text: String) -> String { coloured(text, code: "31;1") }
    func yellow(_ text: String) -> String { coloured(text, code: "33") }
    func green(_ text: String) -> String { coloured(text, code: "32") }

    /// Text that is on its way out, where names of others' making may be in it: of escape sequences
    /// there are those that this makes, and only where there are colours.
    static func printed(_ text: String, usesColour: Bool) -> String {
        guard PrintedText.hasOdd(text) else { return text }
        guard usesColour else { return PrintedText.lines(text) }
        var (result, rest) = ("", text[...])
        while let code = rest.firstMatch(of: #/\u{1B}\[(0|1|2|31|31;1|32|33)m/#) {
            result += PrintedText.lines(String(rest[..<code.range.lowerBound])) + code.output.0
            rest = rest[code.range.upperBound...]
        }
        return result + PrintedText.lines(String(rest))
    }

    private func coloured(_ text: String, code: String) -> String {
        usesColour && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// Breaks `text` at spaces, each line after an indentation.
    func wrapped(_ text: String, indent: Int, firstIndent: Int? = nil) -> [String] {
        let room = max((width ?? Int.max) - indent, 20)
        var lines = [""]
        for word in text.split(separator: " ") {
            if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + 1 + word.count > room
            {
                lines.append("")
            }
            lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? "\(word)" : " \(word)"
        }
        return lines.enumerated().map { index, line in
            String(repeating: " ", count: index == 0 ? firstIndent ?? indent : indent) + line
        }
    }
}
