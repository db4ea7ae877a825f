import ArgumentParser
import Foundation
import LeatCore
import LeatEngine
import Logging

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the streams of a target: positions, tables, and with --source the slots.")

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Option(help: "One stream only.")
    var stream: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let reports = try await StreamReport.read(
                target: target.conninfo(logger),
                source: source.isGiven ? source.conninfo(logger) : nil,
                stream: try StreamOptions.name(stream)
            ).map(StatusCommand.withLocalHalt)
            if let stream, reports.isEmpty {
                throw Halt(
                    .configuration, "The target has no stream \(stream).",
                    advice: "leat status without --stream lists those it has.")
            }
            try json ? JSONOutput.print(reports) : printText(reports)
            if let halt = reports.compactMap(\.halt).first {
                throw ArgumentParser.ExitCode(Int32(halt.exitCode))
            }
        }
    }

    private static func withLocalHalt(_ report: StreamReport) -> StreamReport {
        guard let folder = StateDirectory.ofThisProcess(report.stream) else { return report }
        return report.withLocalHalt(stateDirectory: folder)
    }

    private func printText(_ reports: [StreamReport]) {
        if reports.isEmpty { print("no streams") }
        for report in reports { print(lines: StatusText.lines(report)) }
    }
}

/// One stream for people.
enum StatusText {
    static func lines(_ report: StreamReport) -> [String] {
        var lines = [
            "stream        \(report.stream)  \(report.isRunning ? "running" : "stopped")"
        ]
        lines += halt(report.halt)
        lines += live(report.live)
        lines += [
            "position      \(report.position)  \(report.commitTime ?? "")",
            "tables        \(report.tables.ready) of \(report.tables.total) ready",
        ]
        lines += report.tables.pending.prefix(10).map { "              \($0)" }
        lines += list(
            "renamed       ",
            items: report.tables.renamed.map { "\($0.source) -> \($0.target)" },
            meaning: "other names on the target")
        lines += list(
            "masked        ",
            items: report.tables.masked.map { "\($0.column) = \($0.function)" },
            meaning: "the target has other values")
        lines += list(
            "unindexed     ", items: report.tables.scanned,
            meaning: "no unique index on the identity")
        lines += list(
            "partitions    ", items: report.tables.partitionChanges,
            meaning: "not sent; copy the table anew")
        lines += list("left out      ", items: report.tables.leftOut, meaning: "not on the target")
        if !report.conflicts.isEmpty {
            let counts = report.conflicts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            lines.append("conflicts     \(counts.joined(separator: ", "))")
        }
        if !report.isConsistent {
            lines.append("state         catching up: the target equals no state of the source yet")
        }
        if let session = report.session, session.state != "idle", session.seconds > 0 {
            let waits = session.waitsFor.map { ", waits for \($0)" } ?? ""
            lines.append("session       \(session.state) for \(session.seconds) s\(waits)")
        }
        if let spool = report.spool { lines.append("spool         \(spool)") }
        guard let slot = report.slot else {
            return lines + ["slot          \(report.slotName)"]
        }
        lines.append(
            "slot          \(slot.name)  \(slot.isActive ? "active" : "inactive")"
                + "  \(slot.walStatus ?? "")  retains \(bytes(slot.retainedBytes))")
        lines.append("lag           \(bytes(slot.lagBytes))")
        return lines
    }

    private static func live(_ live: LiveReport?) -> [String] {
        guard let live else { return [] }
        var lines = ["process       \(live.phase)  \(live.host), pid \(live.pid)"]
        if let copy = live.copy {
            lines.append(
                "copied        \(copy.done) of \(copy.tables) tables, "
                    + "\(Units.count(copy.rows)) rows, \(bytes(copy.bytes))")
        }
        if live.transactionsApplied > 0 {
            lines.append(
                "applied       \(Units.count(live.rowsApplied)) rows in "
                    + "\(Units.count(live.transactionsApplied)) transactions, at \(live.position)")
        }
        let kinds = [
            ("inserts", live.changes.inserts), ("updates", live.changes.updates),
            ("deletes", live.changes.deletes), ("truncates", live.changes.truncates),
        ].filter { $0.1 > 0 }.map { "\(Units.count($0.1)) \($0.0)" }
        if !kinds.isEmpty { lines.append("              " + kinds.joined(separator: ", ")) }
        guard let lag = live.lagBytes else { return lines }
        let age = live.lagSeconds.map { ", \(String(format: "%.1f", $0)) s" } ?? ""
        return lines + ["behind        \(bytes(lag))\(age)"]
    }

    private static func halt(_ halt: StreamReport.Halt?) -> [String] {
        guard let halt else { return [] }
        let text = [halt.message, halt.advice].compactMap { $0 }.joined(separator: "\n")
        return ["halted        \(halt.at)  exit code \(halt.exitCode)"]
            + text.split(separator: "\n").map { "              \($0)" }
    }

    /// - Parameter label: As wide as all labels.
    private static func list(_ label: String, items: [String], meaning: String) -> [String] {
        guard !items.isEmpty else { return [] }
        return ["\(label)\(items.count): \(meaning)"]
            + items.prefix(10).map { "              \($0)" }
    }

    private static func bytes(_ number: Int?) -> String {
        number.map { Units.bytes(max($0, 0)) } ?? "?"
    }
}
