import ArgumentParser
import LeatCore
import LeatAdmin
import Logging

struct SlotListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the slots of a server, the most dangerous first.",
        discussion: """
            Nothing is read from a slot, and none moves. With names, or --details, everything \
            that the server knows of a slot is shown.
            """)

    @Argument(help: "Slots to show in full. Default: all, a line each.")
    var names: [String] = []

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Flag(help: "Show everything about each slot.")
    var details = false

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Show it again and again, until interrupted.")
    var watch = false

    @Option(help: "Time between two looks of --watch.")
    var interval = DurationText(.seconds(2))

    @OptionGroup var log: LogOptions

    private static let title = "leat slot list"

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            for name in names { _ = try SlotNames.name(name) }
            let conninfo = try source.conninfo(logger)
            let target = try SlotTarget(target, logger: logger, command: Self.title)
            try await Watch(isOn: watch, interval: interval.duration).run {
                let overview = try await SlotOverview.read(
                    conninfo, names: names, streams: target.streamsIfReachable(logger),
                    command: Self.title)
                return try json ? JSONOutput.text(reports(overview), isLine: watch) : text(overview)
            }
        }
    }

    private func reports(_ overview: SlotOverview) -> [SlotReport] {
        overview.entries.map { SlotReport($0, within: overview.limits) }
    }

    private func text(_ overview: SlotOverview) -> String {
        let view = SlotListText(overview, style: .output)
        return details || !names.isEmpty ? view.details() : view.table()
    }
}
