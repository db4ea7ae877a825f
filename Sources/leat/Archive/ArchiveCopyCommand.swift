import ArgumentParser
import LeatArchive
import LeatCore
import LeatEngine
import Logging

struct ArchiveCopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy an archive as it is at one position, also while it is written to.",
        discussion: """
            The copy verifies, and any target can go on from it. It may take the archive's place: \
            a recorder that starts in it goes on where it ends, unless the other one has gone on.
            """)

    @OptionGroup var archive: ArchiveFolderOption

    @Argument(help: "Folder of the copy: a new one, or empty.")
    var copy: String

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let target = ArchiveFolder(try Folder.path(copy))
            var bar = ProgressBar("copying")
            let summary = try archive.reading { folder in
                try ArchiveCopy(folder, to: target).run { done, all in
                    bar.show(UInt64(done), of: UInt64(all))
                }
            }
            bar.finish()
            print(
                """
                copied up to \(summary.end): \(summary.segments) segments, \(summary.bases) bases, \
                \(Units.bytes(UInt64(summary.bytes)))
                """)
        }
    }
}
