import ArgumentParser
import LeatConfig
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

    @Flag(
        inversion: .prefixedNo,
        help: "Do not start again while there is a new table that cannot be followed.")
    var strict: Bool?

    @Option(help: "Stop once every transaction up to this LSN, or up to now, is stored.")
    var endpos: String?

    @Option(
        help: "Receive large transactions while they are in progress: on or off. Default: on.")
    var streaming: Switch?

    @Option(
        help: "Changes to follow: any, or none for those made on the source itself. Default: any.")
    var origin: SourceConfiguration.Origin?

    @Option(help: "Longest time between status updates to the source. Default: 10s.")
    var statusInterval: DurationText?

    @Option(help: "Warn when the slot keeps more WAL than this on the source, such as 10GB.")
    var maxRetainedWal: SizeText?

    func configuration(_ logger: Logger, _ settings: Settings) throws -> SourceConfiguration {
        typealias Of = CommandSettings
        var configuration = SourceConfiguration(
            source: try source.conninfo(logger), stream: try stream.name(settings),
            stateDirectory: try stream.stateDirectory(settings))
        configuration.publications = try settings.list(Of.publication, flag: publication)
        configuration.slot = try settings.value(of: Of.slot, flag: slot).map(SlotNames.name)
        configuration.selection = Selection(
            tables: try TableOptions.patterns(
                settings.list(Of.tables, flag: tables), option: "--tables"),
            excluded: try TableOptions.patterns(
                settings.list(Of.exclude, flag: exclude), option: "--exclude"))
        configuration.end = try end()
        try settings.apply(Of.strict, flag: strict, to: &configuration.isStrict)
        try settings.apply(Of.streaming, flag: streaming?.isOn, to: &configuration.streaming)
        try settings.apply(Of.origin, flag: origin, to: &configuration.origin)
        try settings.apply(
            Of.statusInterval, flag: statusInterval?.duration, to: &configuration.statusInterval)
        configuration.statusInterval = max(configuration.statusInterval, .milliseconds(100))
        configuration.maxRetainedWAL = try settings.value(
            of: Of.maxRetainedWal, flag: maxRetainedWal?.bytes
        ).map { UInt64($0) }
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
