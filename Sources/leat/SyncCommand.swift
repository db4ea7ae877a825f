import ArgumentParser
import Foundation
import LeatConfig
import LeatCore
import LeatEngine
import Logging

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Copy a database into another one and keep following it.",
        discussion: """
            Copies the tables under one snapshot, then applies every change, exactly once. \
            Interrupt it at any time; the next start goes on where it stopped. Without \
            --publication and --tables it takes all ordinary tables of the database.
            """)

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var applying: TargetOptions

    @Flag(help: "Do not copy: the target holds the rows already.")
    var noCopy = false

    @Flag(
        help: ArgumentHelp(
            "Take this target for the one that the stream was on: after pg_upgrade, once.",
            discussion: "Its tables must be the very ones; a dump does not keep them so."))
    var acceptTarget = false

    @Flag(help: "Stop after the copy; the slot stays, and a later sync goes on.")
    var copyOnly = false

    @Option(
        help: ArgumentHelp(
            "Values in binary form: auto, on or off.",
            discussion: "Default: auto, which is if it is safe for every column, else as text."))
    var binary: SyncConfiguration.Binary?

    @Option(
        help: ArgumentHelp(
            "Fold a batch's changes to one for each row: on or off.",
            discussion: """
                Default: on. off: each change by itself, in the source's order. Slower, same result.
                """))
    var netChanges: Switch?

    @Option(
        help: ArgumentHelp(
            "What to do if rows have changed on the source without being sent: stop or copy.",
            discussion: """
                An ALTER that rewrites a table sends nothing. Default: stop: exit code 7, with what \
                happened. copy: the table is emptied on the target and copied anew.
                """))
    var onRewrite: SyncConfiguration.Rewrite?

    @Option(
        help: ArgumentHelp(
            "Give up a table's copy for a statement that waits so long for it. Default: never.",
            discussion: "An ALTER waits for a table that is read. It is copied again later."))
    var yieldLocks: DurationText?

    @Option(help: "Confirm only what was stored this long ago, for targets that may fail over.")
    var holdBack: DurationText?

    @Option(
        help: ArgumentHelp(
            "Folder between source and target: changes are recorded there first.",
            discussion: """
                The source keeps no WAL that is recorded, however slow the target is, or away. \
                What was recorded and not applied yet is only there.
                """))
    var spool: String?

    @Option(help: "Read no further once the spool takes this much, such as 100GB.")
    var spoolLimit: SizeText?

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard !(noCopy && (copyOnly || applying.truncate)) else {
            throw ValidationError("--no-copy does not go with --copy-only or --truncate")
        }
        guard spool == nil || !copyOnly else {
            throw ValidationError(SyncCommand.noSpool)
        }
        guard spool == nil || binary != .on else {
            throw ValidationError(SyncCommand.noBinary)
        }
    }

    private static let noSpool = "--copy-only does not go with --spool: nothing is recorded"
    private static let noBinary = "--binary on does not go with --spool, which holds text"
    private static let noLimit = "--spool-limit needs --spool"

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let configuration = try configuration(logger)
            try confirmTruncate()
            try await JobRunner(logger: logger).run(configuration)
        }
    }

    private func confirmTruncate() throws {
        guard applying.truncate, !yes else { return }
        let question = "Empty the target's tables that are not copied yet?"
        guard Question.ask(question) ?? true else {
            throw Halt(.interrupted, "Nothing was done.")
        }
    }

    private func configuration(_ logger: Logger) throws -> SyncConfiguration {
        typealias Of = CommandSettings
        let settings = Settings.ofThisProcess()
        var configuration = SyncConfiguration(
            reading: try reading.configuration(logger, settings),
            target: try applying.conninfo(logger))
        configuration.applying = try applying.applied(settings)
        configuration.copiesTables = !noCopy
        configuration.stopsAfterCopy = copyOnly
        configuration.acceptsTarget = acceptTarget
        try settings.apply(Of.binary, flag: binary, to: &configuration.binary)
        guard configuration.binary != .on || configuration.applying.masks.isEmpty else {
            throw Halt(
                .configuration, "--binary on does not go with --mask, which reads text.",
                advice: "Leave it out: auto is text then.")
        }
        try settings.apply(Of.onRewrite, flag: onRewrite, to: &configuration.onRewrite)
        try settings.apply(Of.netChanges, flag: netChanges?.isOn, to: &configuration.foldsChanges)
        try settings.apply(Of.holdBack, flag: holdBack?.duration, to: &configuration.holdBack)
        try settings.apply(
            Of.yieldLocks, flag: yieldLocks?.duration, to: &configuration.yieldsLocksAfter)
        configuration.spool = try spool(settings, configuration)
        return configuration
    }

    private func spool(
        _ settings: Settings, _ configuration: SyncConfiguration
    ) throws(Halt) -> SyncConfiguration.Spool? {
        let limit = try settings.value(of: CommandSettings.spoolLimit, flag: spoolLimit?.bytes)
        guard let folder = try settings.value(of: CommandSettings.spool, flag: spool) else {
            guard limit == nil else { throw Halt(.configuration, "\(SyncCommand.noLimit).") }
            return nil
        }
        guard !copyOnly else { throw Halt(.configuration, "\(SyncCommand.noSpool).") }
        guard configuration.binary != .on else {
            throw Halt(.configuration, "\(SyncCommand.noBinary).")
        }
        return .init(folder: try Folder.path(folder, option: "--spool"), limit: limit)
    }
}
