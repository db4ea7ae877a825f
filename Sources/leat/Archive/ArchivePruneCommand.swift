import ArgumentParser
import LeatArchive
import LeatCore
import LeatEngine
import Logging
import PGWire

struct ArchivePruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove an archive's oldest segments, and the bases before what remains.",
        discussion: """
            Whole segments go, and never what a registered reader still needs, unless told. A \
            recorder that runs prunes by itself: see record --keep-size and --keep-age.
            """)

    @OptionGroup var archive: ArchiveFolderOption

    @Option(help: "Remove what is not later than this moment: an LSN or a time.")
    var before: String?

    @Option(help: "Remove the oldest segments beyond this size, such as 100GB.")
    var keepSize: SizeText?

    @Option(help: "Remove segments that were written to the last time longer ago, such as 14d.")
    var keepAge: DurationText?

    @Option(help: "Forget a reader that will not come back, by its name; repeatable.")
    var forget: [String] = []

    @Flag(help: "Remove what registered readers still need, too.")
    var ignoreReaders = false

    @Flag(help: "Only say what would go.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard before != nil || keepSize != nil || keepAge != nil || !forget.isEmpty else {
            throw ValidationError("say what may go: --before, --keep-size, --keep-age or --forget")
        }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let moment = try before.map { try MomentText.moment($0, option: "--before") }
            try archive.reading { folder in
                let pruning = ArchivePruning(folder)
                let plan = try pruning.plan(
                    before: moment,
                    Retention(
                        bytes: keepSize?.bytes, age: keepAge?.duration,
                        ignoresReaders: ignoreReaders), forgetting: forget)
                print(lines: plan.lines)
                guard !dryRun, !plan.isEmpty else { return }
                let consent = Consent(yes)
                guard consent.ask("Remove them?") else {
                    if let refusal = consent.refusal("Nothing was removed.") { throw refusal }
                    return
                }
                try pruning.run(plan)
                print("removed")
            }
        }
    }
}

extension ArchivePruning.Plan {
    fileprivate var lines: [String] {
        var lines = forgotten.map { "reader \($0) is forgotten" }
        lines += segments.map {
            "segment \($0.name.fileName)  \(Units.bytes(UInt64($0.bytes)))"
        }
        lines += bases.map { "base \($0)" }
        if let heldBy {
            lines.append("kept for reader \(heldBy.name), which is at \(heldBy.end ?? .zero)")
        }
        if isEmpty { lines.append("nothing to remove") }
        if !isEmpty, basesLeft.isEmpty {
            lines.append("no base remains: no replay can begin from what is left")
        }
        return lines
    }
}
