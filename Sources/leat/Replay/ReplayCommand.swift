import ArgumentParser
import LeatConfig
import LeatCore
import LeatEngine
internal import LeatFlow
import Logging
import PGWire
import UnixSignals

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract:
            "Play an archive into a database: up to any moment, at any speed, any number of times.",
        discussion: """
            Copies the newest base that is not later than the wanted moment, then applies what was \
            recorded behind it, exactly once. Interrupt it at any time; the next start goes on \
            where it stopped. Moments are LSNs (16/B374D848) or times (2026-11-25 14:00, in UTC, \
            or with a zone: 2026-11-25T14:00:00+01:00).
            """)

    @Option(help: "Folder of the archive.")
    var archive: String

    @OptionGroup var applying: TargetOptions

    @Option(help: "Name of the stream on the target. Default: main.")
    var stream: String?

    @Option(help: "Stop behind the last transaction that is not later than this moment.")
    var until: String?

    @Option(
        help: ArgumentHelp(
            "Pause at this moment, until the process gets SIGUSR1; repeatable.",
            valueName: "moment"))
    var pauseAt: [String] = []

    @Option(
        help: ArgumentHelp(
            "max, realtime, or how many times as fast as it was recorded, such as 10 or 0.5.",
            discussion: "All but max keep the spacing of the commits."))
    var speed = SpeedText.max

    @Flag(help: "Wait for more at the end of the archive.")
    var follow = false

    @Option(help: "Point of the base to begin with, as leat archive list shows it.")
    var fromBase: String?

    @Flag(help: "Begin at the archive's beginning: the target holds the rows of then already.")
    var noCopy = false

    @Flag(help: "Create the tables, and all else of the schema, as the base has them.")
    var schema = false

    @Flag(help: "Empty the tables of the stream, and begin anew.")
    var rewind = false

    @Flag(help: "Go on where the archive may have other rows than its source.")
    var acceptDoubts = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard !(noCopy && (applying.truncate || schema || fromBase != nil)) else {
            throw ValidationError("--no-copy does not go with --truncate, --schema or --from-base")
        }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let configuration = try configuration(logger)
            try confirm(configuration)
            let (status, stop, resume) = (JobStatus(), StopSignal(), ResumeSignal())
            let job = ReplayJob(
                configuration, status: status, stop: stop, resume: resume, logger: logger)
            try await JobRunner(logger: logger).run(status, stop: stop) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await listen(for: resume, logger: logger) }
                    defer { group.cancelAll() }
                    try await job.run()
                }
            }
        }
    }

    private func listen(for resume: ResumeSignal, logger: Logger) async {
        for await _ in await UnixSignalsSequence(trapping: .sigusr1) {
            logger.info("going on")
            resume.request()
        }
    }

    private func confirm(_ configuration: ReplayConfiguration) throws {
        guard !yes, applying.truncate || rewind else { return }
        let place = "\(configuration.target)"
        let question =
            rewind
            ? "Empty all tables of stream \(configuration.stream) on \(place), and begin anew?"
            : "Empty the tables on \(place) that are not copied yet?"
        let consent = Consent(false)
        _ = consent.ask(question)
        if let refusal = consent.refusal("Nothing was done.") { throw refusal }
    }

    private func configuration(_ logger: Logger) throws -> ReplayConfiguration {
        let settings = Settings.ofThisProcess()
        var configuration = ReplayConfiguration(
            archive: try Folder.path(archive), target: try applying.conninfo(logger),
            stream: try StreamOptions.name(flag: stream, settings))
        configuration.until = try until.map { try MomentText.moment($0, option: "--until") }
        configuration.pauses = try pauseAt.map { try MomentText.moment($0, option: "--pause-at") }
        configuration.speed = speed.factor
        configuration.follows = follow
        configuration.rewinds = rewind
        configuration.acceptsDoubts = acceptDoubts
        configuration.createsSchema = schema
        configuration.applying = try applying.applied(settings)
        if noCopy { configuration.beginning = .noCopy }
        if let fromBase {
            configuration.beginning = .base(try MomentText.lsn(fromBase, option: "--from-base"))
        }
        return configuration
    }
}

/// Moments and positions as options give them.
enum MomentText {
    static func moment(_ text: String, option: String) throws(Halt) -> ReplayMoment {
        guard let moment = ReplayMoment(text) else {
            throw Halt(
                .configuration, "\(option) \"\(text)\" is neither an LSN nor a time.",
                advice: "Write 16/B374D848, or 2026-11-25 14:00 (UTC), or with a zone.")
        }
        return moment
    }

    static func lsn(_ text: String, option: String) throws(Halt) -> LSN {
        guard let lsn = LSN(text) else {
            throw Halt(
                .configuration, "\(option) \"\(text)\" is no LSN.",
                advice: "An LSN looks like 16/B374D848.")
        }
        return lsn
    }
}

/// How fast a replay goes.
struct SpeedText: ExpressibleByArgument {
    /// Nil: no limit.
    var factor: Double?

    static let max = SpeedText(factor: nil)

    init(factor: Double?) {
        self.factor = factor
    }

    init?(argument: String) {
        switch argument {
        case "max": factor = nil
        case "realtime": factor = 1
        default:
            guard let number = Double(argument), (0.001...1_000_000).contains(number) else {
                return nil
            }
            factor = number
        }
    }

    var defaultValueDescription: String { factor.map { "\($0)" } ?? "max" }
}
