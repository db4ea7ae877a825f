import ArgumentParser
import LeatCore
import LeatEngine
import Logging

struct CleanupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cleanup",
        abstract: "Remove a stream: its slot, its publication and its state; no rows.")

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption
    @OptionGroup var stream: StreamOptions

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(logger) {
            let target = try target.conninfo(logger)
            let configuration = SyncConfiguration(
                source: source.isGiven ? try source.conninfo(logger) : target, target: target,
                stream: try stream.name(), stateDirectory: stream.stateDirectory())
            let consent = Consent(yes)
            let isDone = try await Cleanup(configuration, hasSource: source.isGiven).run { plan in
                consent.ask("Remove?\n  " + plan.lines.joined(separator: "\n  ") + "\n")
            }
            if let refusal = consent.refusal("Nothing was removed.") { throw refusal }
            print(
                isDone
                    ? "removed stream \(stream.stream)" : "no stream \(stream.stream) on the target"
            )
        }
    }
}
