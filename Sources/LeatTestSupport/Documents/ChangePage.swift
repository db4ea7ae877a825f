internal import Foundation

/// What `Docs/reference/json.md` says of the JSON of a change.
package struct ChangePage {
    private let lines: [Substring]

    package init() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        lines = try String(
            contentsOf: root.appending(path: "Docs/reference/json.md"), encoding: .utf8
        ).split(separator: "\n")
    }

    private func rows(_ lines: some Sequence<Substring>) -> [(name: String, cells: [String])] {
        lines.compactMap { line in
            guard let name = line.firstMatch(of: /^\| `(\w+)` \|/)?.output.1 else { return nil }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            return (String(name), cells)
        }
    }

    /// The names of a section's table.
    package func names(under heading: String) -> [String] {
        let rest = lines.drop { $0 != heading }.dropFirst()
        return rows(rest.prefix { !$0.hasPrefix("## ") }).map(\.name)
    }

    /// The names of all tables that a command has: `export`, `log`, `peek` or `conflicts`.
    package func names(in column: String) -> Set<String> {
        let place = ["export": 3, "log": 4, "peek": 5, "conflicts": 6][column] ?? 0
        return Set(
            rows(lines).filter { $0.cells.count > 6 && $0.cells[place] == "yes" }.map(\.name))
    }

    /// Names of these objects that the page does not give the command.
    package func unknown(in column: String, of objects: [[String: Any]]) -> Set<String> {
        Set(objects.flatMap(\.keys)).subtracting(names(in: column))
    }
}
