import ArgumentParser
import LeatCore
import LeatAdmin
import Logging

struct SlotLagCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lag",
        abstract: "Say how far the reader of a slot is behind, in bytes and seconds.",
        discussion: """
            Nothing is read from the slot. With --warn or --critical it prints one line and ends \
            as a Nagios plugin: 0 ok, 1 warning, 2 critical (also a slot that is lost, or not \
            there), 3 unknown.
            """)

    @Argument(help: "Name of the slot.")
    var name: String

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Option(help: "Bytes such as 512MB or a time such as 5min from which on it warns; repeatable.")
    var warn: [LagThreshold] = []

    @Option(help: "The same for critical; repeatable.")
    var critical: [LagThreshold] = []

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Measure again and again, a line each, until interrupted.")
    var watch = false

    @Option(help: "Time between two measurements of --watch.")
    var interval = DurationText(.seconds(2))

    @OptionGroup var log: LogOptions

    private static let title = "leat slot lag"
    private var isCheck: Bool { !warn.isEmpty || !critical.isEmpty }

    func validate() throws {
        guard !(isCheck && (watch || json)) else {
            throw ValidationError("--warn and --critical do not go with --watch or --json")
        }
    }

    func run() async throws {
        let logger = Logger(log)
        guard !isCheck else { throw try await check(logger) }
        try await Ending.report(to: logger) {
            let read = try reader(logger)
            guard watch else { return print(try SlotLagText.once(await read(), asJSON: json)) }
            let series = LagSeries(isJSON: json)
            try await Watch(isOn: true, interval: interval.duration, isInPlace: false).run {
                try await series.next(read())
            }
        }
    }

    private func reader(
        _ logger: Logger
    ) throws(Halt) -> @Sendable () async throws -> SlotLag {
        let name = try SlotNames.name(name)
        let conninfo = try source.conninfo(logger)
        let target = try SlotTarget(target, logger: logger, command: Self.title)
        return {
            try await SlotLag.read(
                conninfo, slot: name, streams: target.streamsIfReachable(logger),
                command: Self.title)
        }
    }

    /// As a Nagios plugin: the line and the state, whatever happens.
    private func check(_ logger: Logger) async throws -> ArgumentParser.ExitCode {
        let state: LagState
        do {
            let lag = try await reader(logger)()
            state = LagState(
                bytes: lag.bytes, seconds: lag.seconds, warning: warn, critical: critical)
            print(SlotLagText.check(lag, state: state, warning: warn, critical: critical))
        } catch let halt as Halt {
            state = halt.kind == .lost ? .critical : .unknown
            let message = halt.message.split(separator: "\n").joined(separator: " ")
            print("SLOT \(state.name) - \(message.replacing("|", with: "/"))")
        }
        return ArgumentParser.ExitCode(Int32(state.rawValue))
    }
}
