import Foundation

/// What a run of Leat that has ended says to do, read as a person would who knows nothing else.
struct HistoryDDLAdvice: Sendable, Equatable {
    private(set) var message = ""
    private(set) var advice = ""
    /// `schema.table` of which a warning says that rows may be missing, and how to copy it.
    private(set) var named: Set<String> = []
    /// New tables that cannot be followed yet.
    private(set) var leftOut: Set<String> = []

    /// - Parameter log: With `--log-format json`.
    init(log: String) {
        for line in log.split(separator: "\n") {
            guard
                let record = try? JSONDecoder().decode(
                    [String: String].self, from: Data(line.utf8))
            else { continue }
            let text = record["message"] ?? ""
            if record["exit_code"] != nil { (message, advice) = (text, record["advice"] ?? "") }
            if text.hasPrefix("a new table is left out"), let table = record["table"] {
                leftOut.insert(table)
                advice += "\(text)\n"
            }
            if text.contains("copy it anew: start once with --exclude"), let table = record["table"]
            {
                named.insert(table)
            }
        }
    }

    var text: String { "\(message)\n\(advice)" }

    private var lines: [String] { advice.split(separator: "\n").map(String.init) }

    /// For the target; not those that are true only if its rows are those of the source.
    var statements: [String] {
        lines.filter { line in
            line.hasSuffix(";") && ["alter ", "create ", "drop "].contains(where: line.hasPrefix)
        }
    }

    /// Whether the statements are for the other side.
    var isForSource: Bool { advice.hasPrefix("On the source") }

    /// For a shell.
    var shell: [String] { lines.filter { $0.contains(" | psql ") || $0.hasPrefix("psql ") } }

    /// A table on whose rows a change met others than the source had.
    var conflict: String? {
        let pattern = /on (\S+) cannot be applied: (insert_exists|update_missing|delete_missing)/
        return message.firstMatch(of: pattern).map { String($0.output.1) }
    }

    /// Tables of options that match none.
    var unmatched: Set<String> {
        guard message.hasPrefix("These options match no table") else { return [] }
        return Set(message.matches(of: /--exclude (public\.\w+)/).map { String($0.output.1) })
    }

    /// Names on the target that something else has to give up first.
    var blocked: [String] {
        guard let line = lines.first(where: { $0.hasPrefix("First make room there for ") }) else {
            return []
        }
        return line.dropFirst("First make room there for ".count).dropLast()
            .components(separatedBy: ", ")
    }

    var needsCleanup: Bool { advice.contains("leat cleanup") }

    /// `--publication` from now on.
    var publications: [String]? {
        let words = advice.replacing("'", with: "").split { " \n:".contains($0) }.map(String.init)
        let found = words.indices.dropLast().filter { words[$0] == "--publication" }.map {
            words[$0 + 1]
        }
        return advice.hasPrefix("Start again with --publication") ? found : nil
    }

    /// What the next start is given besides.
    var options: [String]? {
        let rewrite = advice.contains("--on-rewrite copy") ? ["--on-rewrite", "copy"] : []
        let truncate = advice.contains("--truncate") ? ["--truncate", "--yes"] : []
        return rewrite.isEmpty && truncate.isEmpty ? nil : rewrite + truncate
    }

    /// Tables to be left out by one start, and to come back with `--truncate`.
    var excluded: [String] {
        text.components(separatedBy: "start once with --exclude ").dropFirst().compactMap { rest in
            rest.split { " ,;".contains($0) }.first.map(String.init)
        }
    }
}
