import ArgumentParser
import LeatConfig
import LeatCore
import LeatEngine
import Logging
import PGWire

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "End a running stream at a position, from any host that reaches the target.",
        discussion: """
            Asks the process that runs the stream by way of schema leat. When it has ended, with \
            exit code 0, the target holds every transaction that ends at or before the position, \
            and none behind it. The next start goes on from there.
            """)

    @OptionGroup var target: TargetOption

    @Option(help: "Name of the stream. Default: main.")
    var stream: String?

    @Option(
        help: ArgumentHelp(
            "Where: an LSN, or now for what is committed on the source at this moment.",
            valueName: "lsn|now"))
    var at = "now"

    @Option(
        help: ArgumentHelp(
            "How long the end is waited for.",
            discussion: "The stream ends there all the same, later. Then the exit code is 4."))
    var timeout = DurationText(.seconds(60))

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let name = try StreamOptions.name(flag: stream, Settings.ofThisProcess())
            let end = StreamEnd(
                target: try target.conninfo(logger), stream: name,
                at: try ReadingOptions.position(at, of: "--at"))
            switch try await end.run(patience: timeout.duration) {
            case .ended(let position):
                print("stream \(name) ended at \(position)")
            case .goesOn(let position):
                throw Halt(
                    .target, "Stream \(name) goes on to \(position), and ends there.",
                    advice: "leat status says how far it is. A SIGTERM ends it where it is.")
            }
        }
    }
}
