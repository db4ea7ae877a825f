import ArgumentParser
import LeatCore
import LeatEngine
import Logging
import PGWire

/// What is read from the source, by whatever command.
struct ReadingOptions: ParsableArguments {
    @OptionGroup var source: SourceOption
    @OptionGroup var stream: StreamOptions

    @Option(help: "Existing publication to use as it is; repeatable.")
    var publication: [String] = []

    @Option(help: "Replication slot. Default: leat_<stream>.")
    var slot: String?

    @Option(help: "Tables to follow: schema.table with * and ?; repeatable, or with commas.")
    var tables: [String] = []

    @Option(help: "Tables to leave out, in the same form.")
    var exclude: [String] = []

    @Flag(help: "Do not start again while there is a new table that cannot be followed.")
    var strict = false

    @Option(help: "Stop once every transaction up to this LSN, or up to now, is stored.")
    var endpos: String?

    @Option(help: "Receive large transactions while they are in progress: on or off.")
    var streaming = Switch.on

    @Option(help: "Changes to follow: any, or none for those made on the source itself.")
    var origin = SourceConfiguration.Origin.any

    @Option(help: "Longest time between status updates to the source.")
    var statusInterval = DurationText(.seconds(10))

    @Option(help: "Warn when the slot keeps more WAL than this on the source, such as 10GB.")
    var maxRetainedWal: SizeText?

    func configuration(_ logger: Logger) throws -> SourceConfiguration {
        var configuration = SourceConfiguration(
            source: try source.conninfo(logger), stream: try stream.name(),
            stateDirectory: try stream.stateDirectory())
        configuration.publications = publication
        configuration.slot = try slot.map(SlotNames.name)
        configuration.selection = Selection(
            tables: try TableOptions.patterns(tables, option: "--tables"),
            excluded: try TableOptions.patterns(exclude, option: "--exclude"))
        configuration.isStrict = strict
        configuration.end = try end()
        configuration.streaming = streaming == .on
        configuration.origin = origin
        configuration.statusInterval = max(statusInterval.duration, .milliseconds(100))
        configuration.maxRetainedWAL = maxRetainedWal.map { UInt64($0.bytes) }
        return configuration
    }

    private func end() throws -> SourceConfiguration.End? {
        guard let endpos else { return nil }
        return try ReadingOptions.position(endpos, of: "--endpos").map { .lsn($0) } ?? .now
    }

    /// - Returns: Nil for `now`.
    static func position(_ text: String, of option: String) throws(Halt) -> LSN? {
        guard text != "now" else { return nil }
        guard let lsn = LSN(text) else {
            throw Halt(
                .configuration, "\(option) \"\(text)\" is neither an LSN nor now.",
                advice: "An LSN looks like 16/B374D848.")
        }
        return lsn
    }
}
