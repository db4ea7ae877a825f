import ArgumentParser
import LeatArchive
import LeatEngine
import Logging

/// What a command shows of an archive as a whole, for people and as JSON.
protocol ArchiveView: Encodable {
    init(_ inventory: ArchiveInventory)

    var lines: [String] { get }
}

/// The options of a command that shows an ``ArchiveView``.
struct ArchiveViewOptions: ParsableArguments {
    @OptionGroup var archive: ArchiveFolderOption

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var log: LogOptions

    func show<View: ArchiveView>(_ type: View.Type) async throws {
        try await Ending.report(to: Logger(log)) {
            let view = View(try archive.reading { try ArchiveInventory($0) })
            if json { return try JSONOutput.print(view) }
            print(lines: view.lines)
        }
    }
}
