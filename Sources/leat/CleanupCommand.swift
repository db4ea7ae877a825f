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
            let configuration = SyncConfiguration(
                source: try source.conninfo(logger), target: try target.conninfo(logger),
                stream: try stream.name(), stateDirectory: stream.stateDirectory())
            var refusal: Halt?
            let isDone = try await Cleanup(configuration).run { plan in
                switch yes ? true : ask(plan) {
                case true?: return true
                case false?: refusal = Halt(.interrupted, "Nothing was removed.")
                case nil:
                    refusal = Halt(
                        .usage, "Nobody can be asked here: standard input is no terminal.",
                        advice: "Add --yes.")
                }
                return false
            }
            if let refusal { throw refusal }
            print(
                isDone
                    ? "removed stream \(stream.stream)" : "no stream \(stream.stream) on the target"
            )
        }
    }

    private func ask(_ plan: Cleanup.Plan) -> Bool? {
        Question.ask("Remove?\n  " + plan.lines.joined(separator: "\n  ") + "\n")
    }
}
