import ArgumentParser
import LeatConfig
import LeatCore
import LeatEngine
import Logging

struct CleanupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cleanup",
        abstract: "Remove a stream: its slot, its publication and its state; no rows.",
        discussion: """
            Folders stay: the spool of sync --spool, and archives, which have no stream on a \
            target. What leat record has made on the source goes with leat slot drop and leat \
            publication drop, its folder by hand.
            """)

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption
    @OptionGroup var stream: StreamOptions

    @Flag(
        help: ArgumentHelp(
            "Leave the source alone, which may be gone.",
            discussion: "Prints the SQL that is left to run there."))
    var targetOnly = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let target = try target.conninfo(logger)
            let settings = Settings.ofThisProcess()
            let configuration = SyncConfiguration(
                source: reach == .both ? try source.conninfo(logger) : target, target: target,
                stream: try stream.name(settings),
                stateDirectory: try stream.stateDirectory(settings))
            let consent = Consent(yes)
            let left = try await Cleanup(configuration, reach: reach, logger: logger).run { plan in
                consent.ask("Remove?\n  " + plan.lines.joined(separator: "\n  ") + "\n")
            }
            if let refusal = consent.refusal("Nothing was removed.") { throw refusal }
            guard let left else { return print(CleanupCommand.nothing(configuration.stream)) }
            print("removed stream \(configuration.stream)")
            for item in left { print(lines: ["left: \(item)"]) }
        }
    }

    private var reach: Cleanup.Reach {
        targetOnly ? .targetOnly : source.isGiven ? .both : .noSource
    }

    private static func nothing(_ stream: StreamName) -> String {
        let name = stream.objectName
        return """
            no stream \(stream) on the target
            of leat record: leat slot drop \(name); leat publication drop \(name)
            """
    }
}
