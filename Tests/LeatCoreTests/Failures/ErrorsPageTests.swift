import Foundation
import LeatCore
import Testing

/// `Docs/reference/errors.md` against the source.
@Suite("The page of errors")
struct ErrorsPageTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// A literal of the source, cut where something is put in.
    private struct Message: CustomTestStringConvertible {
        var file: String
        var fragments: [String]

        var testDescription: String { "\(file): \(fragments.joined(separator: "…"))" }
    }

    private static func page() throws -> String {
        try String(
            contentsOf: root.appending(path: "Docs/reference/errors.md"), encoding: .utf8)
    }

    private static func sources() throws -> [(name: String, text: String)] {
        let folder = root.appending(path: "Sources")
        let files = try #require(
            FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }
            .filter { file in
                file.pathExtension == "swift"
                    && [
                        "/LeatCore/", "/LeatConfig/", "/LeatFlow/", "/LeatCatalogs/", "/LeatAdmin/",
                        "/LeatEngine/", "/leat/", "/ServerError",
                    ]
                    .contains {
                        file.path.contains($0)
                    }
            }
            .map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8)) }
    }

    private static func words(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    // MARK: Reading literals

    /// The literal that begins at `start`, as its fragments.
    private static func literal(_ text: Substring) -> [String] {
        let isLong = text.hasPrefix(#"""""#)
        var rest = text.dropFirst(isLong ? 3 : 1)
        var fragments = [""]
        while let character = rest.first {
            if isLong ? rest.hasPrefix(#"""""#) : character == "\"" { break }
            rest = rest.dropFirst()
            guard character == "\\", let escaped = rest.first else {
                fragments[fragments.count - 1].append(character)
                continue
            }
            rest = rest.dropFirst()
            switch escaped {
            case "(":
                rest = afterParenthesis(rest)
                fragments.append("")
            case "\n": break
            case "n": fragments[fragments.count - 1].append(" ")
            default: fragments[fragments.count - 1].append(escaped)
            }
        }
        return fragments.map(words)
    }

    private static func afterParenthesis(_ text: Substring) -> Substring {
        var (rest, depth) = (text, 1)
        while depth > 0, let character = rest.popFirst() {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
        }
        return rest
    }

    /// The first literal of every ``Halt`` that is made.
    private static func halts() throws -> [Message] {
        try sources().flatMap { file in
            file.text.matches(of: /Halt\(\s*[^"(){}]*(?=")/).map { match in
                Message(
                    file: file.name, fragments: literal(file.text[match.range.upperBound...]))
            }
        }
    }

    // MARK: Tests

    @Test("names every exit code and its number")
    func exitCodes() throws {
        let page = try Self.page()

        for number in Int32(0)...255 {
            guard let code = ExitCode(rawValue: number) else { continue }
            #expect(page.contains("| \(number) | `\(code)` |"))
        }
        let listed = page.matches(of: /\| (\d+) \| `(\w+)` \|/)
        #expect(listed.allSatisfy { Int32($0.1).flatMap(ExitCode.init) != nil })
        #expect(listed.count == 12)
    }

    @Test("names every kind of conflict with its policies", arguments: ConflictKind.allCases)
    func conflicts(_ kind: ConflictKind) throws {
        let line = try #require(
            try Self.page().split(separator: "\n").first { $0.hasPrefix("| `\(kind.rawValue)` |") })

        for policy in ConflictPolicy.allCases where policy != .stop {
            #expect(line.contains("`\(policy.rawValue)`") == kind.policies.contains(policy))
        }
    }

    @Test("has the words of every halt in the source")
    func everyHalt() throws {
        let page = Self.words(try Self.page())
        let halts = try Self.halts()
        #expect(halts.count > 60)

        for halt in halts {
            // Such as "\(error).": the words are another's.
            let longest = halt.fragments.max { $0.count < $1.count } ?? ""
            guard longest.count > 6 else { continue }
            let isThere = page.contains(longest)
            #expect(isThere, "\(halt.testDescription)")
        }
    }

    @Test("has no message that the source has not")
    func noStaleMessage() throws {
        let source = try Self.sources().map { file in
            Self.words(
                file.text.replacing(/\\\n\s*/, with: "").replacing("\\\"", with: "\""))
        }.joined(separator: "\n")
        let messages = try Self.page().matches(of: /(?m)^\| `([^`]+)` \|/).map { String($0.1) }
            .filter { $0.contains(" ") }
        #expect(messages.count > 50)

        for message in messages {
            for fragment in message.split(separator: "…").map({ Self.words(String($0)) })
            where fragment.count > 6 {
                let isThere = source.contains(fragment)
                #expect(isThere, "\(message)")
            }
        }
    }
}
