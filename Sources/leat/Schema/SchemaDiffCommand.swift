import ArgumentParser
import LeatAdmin
import LeatCore
import Logging
import PGWire

struct SchemaDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say where the schemas of source and target differ.",
        discussion: """
            Exit code 5 if they do. Compared are the definitions that the servers give: tables, \
            columns, types, constraints, indexes, views, functions, triggers, sequences, \
            extensions, collations, encodings, and what the roles may not do. Nothing is changed.
            """)

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Flag(help: "Print JSON: a list of kind, object, property, source and target.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let differences = try await SchemaDiff(
                source: try source.conninfo(logger), target: try target.conninfo(logger)
            ).differences()
            if json {
                try JSONOutput.print(differences)
            } else {
                print(SchemaDiffText.text(differences, style: .output))
            }
            guard differences.isEmpty else {
                throw ArgumentParser.ExitCode(LeatCore.ExitCode.differencesFound.rawValue)
            }
        }
    }
}

/// Differences for people.
enum SchemaDiffText {
    static func text(_ differences: [SchemaDifference], style: TextStyle) -> String {
        guard !differences.isEmpty else { return "no differences" }
        var lines: [String] = []
        var last: SchemaDifference?
        for difference in differences {
            if difference.property == SchemaDifference.wholeObject {
                lines.append(PrintedText.line(whole(difference)))
            } else {
                if last?.kind != difference.kind || last?.object != difference.object {
                    let title = "\(difference.kind.rawValue) \(difference.object)"
                    lines.append(style.bold(PrintedText.line(title)))
                }
                lines += sides(difference, style)
            }
            last = difference
        }
        let count = differences.count
        return (lines + ["", "\(count) difference\(count == 1 ? "" : "s")"])
            .joined(separator: "\n")
    }

    private static func whole(_ difference: SchemaDifference) -> String {
        let side = difference.target == nil ? "source" : "target"
        return "\(difference.kind.rawValue) \(difference.object): only on the \(side)"
    }

    private static func sides(_ difference: SchemaDifference, _ style: TextStyle) -> [String] {
        let title = "  \(difference.property)"
        let (source, target) = (difference.source ?? "-", difference.target ?? "-")
        guard source.contains("\n") || target.contains("\n") else {
            return [title]
                + style.wrapped(PrintedText.line("source: \(source)"), indent: 4)
                + style.wrapped(PrintedText.line("target: \(target)"), indent: 4)
        }
        return ["\(title) (< source, > target)"] + changedLines(from: source, to: target)
    }

    /// Only the lines that one side has.
    private static func changedLines(from source: String, to target: String) -> [String] {
        let lines = [source, target].map { $0.split(separator: "\n").map(String.init) }
        return lines[1].difference(from: lines[0]).map { change in
            switch change {
            case .remove(_, let line, _): "    < \(PrintedText.line(line))"
            case .insert(_, let line, _): "    > \(PrintedText.line(line))"
            }
        }
    }
}
