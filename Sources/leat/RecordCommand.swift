import ArgumentParser
import LeatArchive
import LeatConfig
import LeatCore
import LeatEngine
internal import LeatFlow
import Logging

struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Keep a database's changes as files, to be replayed as often as you like.",
        discussion: """
            Writes every committed transaction into an archive: a folder of compressed, \
            checksummed segments. Interrupt it at any time; the next start goes on where it \
            stopped. The source keeps no WAL that is recorded.
            """)

    @OptionGroup var reading: ReadingOptions

    @Option(help: "Folder of the archive; made if it is missing.")
    var archive: String

    @Flag(help: "Copy the tables and the schema into the archive, if it holds no base yet.")
    var withBase = false

    @Flag(help: "Copy them in any case: replays may begin from here too.")
    var newBase = false

    @Flag(help: "Leave the schema out of the base.")
    var noSchema = false

    @Option(
        help: """
            The pg_dump that writes the schema; at least as new as the source. Default: pg_dump.
            """)
    var pgDump: String?

    @Option(help: "Tables copied at the same time. Default: 2.")
    var baseJobs: Int?

    @Option(help: "Close a segment when it is longer. Default: 64MB.")
    var segmentSize: SizeText?

    @Option(help: "Remove the oldest segments beyond this size, such as 100GB.")
    var keepSize: SizeText?

    @Option(help: "Remove segments older than this, such as 14d.")
    var keepAge: DurationText?

    @Flag(
        inversion: .prefixedNo, help: "Remove them even if a registered reader still needs them.")
    var ignoreReaders: Bool?

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard baseJobs.map(CommandSettings.jobs.contains) ?? true else {
            throw ValidationError("--base-jobs takes 1 to 64")
        }
        guard reading.publication.isEmpty || (reading.tables + reading.exclude).isEmpty else {
            throw ValidationError(RecordCommand.noSelection)
        }
    }

    private static let noSelection =
        "--tables and --exclude do not go with --publication: all that it sends is recorded"

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let configuration = try configuration(logger)
            let (status, stop) = (JobStatus(), StopSignal())
            let job = RecordJob(configuration, status: status, stop: stop, logger: logger)
            try await JobRunner(logger: logger).run(status, stop: stop) { try await job.run() }
        }
    }
}

extension RecordCommand {
    private func configuration(_ logger: Logger) throws -> RecordConfiguration {
        typealias Of = CommandSettings
        let settings = Settings.ofThisProcess()
        var configuration = RecordConfiguration(
            reading: try reading.configuration(logger, settings),
            archive: try Folder.path(archive))
        guard
            configuration.reading.ownsPublication || configuration.reading.selection == Selection()
        else {
            throw Halt(.configuration, "\(RecordCommand.noSelection).")
        }
        configuration.base = newBase ? .new : withBase ? .ifMissing : .none
        try settings.apply(Of.baseJobs, flag: baseJobs, to: &configuration.baseJobs)
        try settings.apply(Of.pgDump, flag: pgDump, to: &configuration.schemaDump)
        if noSchema { configuration.schemaDump = nil }
        try settings.apply(
            Of.segmentSize, flag: segmentSize?.bytes, to: &configuration.segmentBytes)
        configuration.retention = Retention(
            bytes: try settings.value(of: Of.keepSize, flag: keepSize?.bytes),
            age: try settings.value(of: Of.keepAge, flag: keepAge?.duration),
            ignoresReaders: try settings.value(of: Of.ignoreReaders, flag: ignoreReaders) ?? false)
        return configuration
    }
}

/// Paths of folders as options give them.
enum Folder {
    /// Without slashes at the end.
    static func path(_ text: String, option: String = "--archive") throws(Halt) -> String {
        var path = Substring(text)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard !path.isEmpty else {
            throw Halt(.configuration, "\(option) is empty.", advice: "Give a folder.")
        }
        return String(path)
    }
}
