import ArgumentParser
import Foundation
import LeatCore
import LeatEngine
import Logging
import PGWire

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Copy a database into another one and keep following it.",
        discussion: """
            Copies the tables under one snapshot, then applies every change, exactly once. \
            Interrupt it at any time; the next start goes on where it stopped. Without \
            --publication and --tables it takes all ordinary tables of the database.
            """)

    enum Switch: String, ExpressibleByArgument, CaseIterable {
        case on, off
    }

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption
    @OptionGroup var stream: StreamOptions

    @Option(help: "Existing publication to use as it is; repeatable.")
    var publication: [String] = []

    @Option(help: "Replication slot. Default: leat_<stream>.")
    var slot: String?

    @Option(help: "Tables to follow: schema.table with * and ?; repeatable, or with commas.")
    var tables: [String] = []

    @Option(help: "Tables to leave out, in the same form.")
    var exclude: [String] = []

    @Flag(help: "Do not copy: the target holds the rows already.")
    var noCopy = false

    @Flag(help: "Stop after the copy; the slot stays, and a later sync goes on.")
    var copyOnly = false

    @Flag(help: "Empty the target's tables before they are copied.")
    var truncate = false

    @Option(help: "Tables copied at the same time.")
    var copyJobs = 2

    @Option(help: "Stop once every transaction up to this LSN, or up to now, is applied.")
    var endpos: String?

    @Option(help: "Receive large transactions while they are in progress: on or off.")
    var streaming = Switch.on

    @Option(help: "Binary form: auto, on or off.")
    var binary = SyncConfiguration.Binary.off

    @Option(help: "Changes to follow: any, or none for those made on the source itself.")
    var origin = SyncConfiguration.Origin.any

    @Option(
        help: ArgumentHelp(
            "Triggers and foreign keys of the target: auto, replica, plain or disable-triggers.",
            discussion: "auto: replica if the target role may, else plain."))
    var role = SyncConfiguration.Role.auto

    @Option(
        help: ArgumentHelp(
            "What to do about a change that does not fit; repeatable. Default: stop.",
            discussion: SyncCommand.conflictHelp, valueName: "kind=policy"))
    var onConflict: [String] = []

    @Flag(help: "Show the values of keys in messages, and keep them in leat.conflicts.")
    var showValues = false

    @Option(help: "Confirm only what was stored this long ago, for targets that may fail over.")
    var holdBack = DurationText(.zero)

    @Option(help: "Longest time between status updates to the source.")
    var statusInterval = DurationText(.seconds(10))

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    private static let conflictHelp = ConflictKind.allCases.map { kind in
        "\(kind.rawValue)=\(kind.policies.map(\.rawValue).joined(separator: "|"))"
    }.joined(separator: ", ")

    func validate() throws {
        guard (1...64).contains(copyJobs) else {
            throw ValidationError("--copy-jobs takes 1 to 64")
        }
        guard !(noCopy && (copyOnly || truncate)) else {
            throw ValidationError("--no-copy does not go with --copy-only or --truncate")
        }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(logger) {
            let configuration = try configuration(logger)
            try confirmTruncate()
            try await SyncRunner(logger: logger).run(configuration)
        }
    }

    private func confirmTruncate() throws {
        guard truncate, !yes else { return }
        let question = "Empty the target's tables that are not copied yet?"
        guard Question.ask(question) ?? true else {
            throw Halt(.interrupted, "Nothing was done.")
        }
    }

    private func configuration(_ logger: Logger) throws -> SyncConfiguration {
        var configuration = SyncConfiguration(
            source: try source.conninfo(logger), target: try target.conninfo(logger),
            stream: try stream.name(), stateDirectory: stream.stateDirectory())
        configuration.publications = publication
        configuration.slot = try slot.map(SlotNames.name)
        configuration.tables = try TableOptions.patterns(tables, "--tables")
        configuration.excluded = try TableOptions.patterns(exclude, "--exclude")
        configuration.copiesTables = !noCopy
        configuration.stopsAfterCopy = copyOnly
        configuration.truncatesTables = truncate
        configuration.copyJobs = copyJobs
        configuration.end = try end()
        configuration.streaming = streaming == .on
        configuration.binary = binary
        configuration.origin = origin
        configuration.role = role
        configuration.conflicts = try ConflictPolicies(onConflict)
        configuration.showsValues = showValues
        configuration.holdBack = holdBack.duration
        configuration.statusInterval = max(statusInterval.duration, .milliseconds(100))
        return configuration
    }

    private func end() throws -> SyncConfiguration.End? {
        guard let endpos else { return nil }
        if endpos == "now" { return .now }
        guard let lsn = LSN(endpos) else {
            throw Halt(
                .configuration, "--endpos \"\(endpos)\" is neither an LSN nor now.",
                advice: "An LSN looks like 16/B374D848.")
        }
        return .lsn(lsn)
    }
}
