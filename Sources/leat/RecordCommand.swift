import ArgumentParser
import LeatArchive
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

    @Option(help: "The pg_dump that writes the schema; at least as new as the source.")
    var pgDump = "pg_dump"

    @Option(help: "Tables copied at the same time.")
    var baseJobs = 2

    @Option(help: "Close a segment when it is longer. Default: 64MB.")
    var segmentSize: SizeText?

    @Option(help: "Remove the oldest segments beyond this size, such as 100GB.")
    var keepSize: SizeText?

    @Option(help: "Remove segments older than this, such as 14d.")
    var keepAge: DurationText?

    @Flag(help: "Remove them even if a registered reader still needs them.")
    var ignoreReaders = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (1...64).contains(baseJobs) else {
            throw ValidationError("--base-jobs takes 1 to 64")
        }
        guard reading.publication.isEmpty || (reading.tables + reading.exclude).isEmpty else {
            throw ValidationError(
                "--tables and --exclude do not go with --publication: all that it sends is recorded"
            )
        }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            var configuration = RecordConfiguration(
                reading: try reading.configuration(logger), archive: try Folder.path(archive))
            configuration.base = newBase ? .new : withBase ? .ifMissing : .none
            configuration.baseJobs = baseJobs
            configuration.schemaDump = noSchema ? nil : pgDump
            configuration.retention = Retention(
                bytes: keepSize?.bytes, age: keepAge?.duration, ignoresReaders: ignoreReaders)
            if let segmentSize { configuration.segmentBytes = segmentSize.bytes }
            let (status, stop) = (JobStatus(), StopSignal())
            let job = RecordJob(configuration, status: status, stop: stop, logger: logger)
            try await JobRunner(logger: logger).run(status, stop: stop) { try await job.run() }
        }
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
