import ArgumentParser
import LeatCore
import LeatAdmin
import Logging
import PGClient

struct SlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slot",
        abstract: "Replication slots of any server, with or without a stream.",
        subcommands: [
            SlotListCommand.self, SlotCreateCommand.self, SlotDropCommand.self,
            SlotAdvanceCommand.self, SlotPeekCommand.self, SlotLagCommand.self,
        ])
}

/// The target of a slot command need not be given: then nothing is known of streams.
struct SlotTarget: Sendable {
    private let conninfo: Conninfo?
    private let command: String

    init(_ option: TargetOption, logger: Logger, command: String) throws(Halt) {
        conninfo = option.isGiven ? try option.conninfo(logger) : nil
        self.command = command
    }

    /// - Throws: ``Halt``: a command that changes something must know of streams.
    func streams() async throws -> SlotStreams.Known {
        guard let conninfo else { return .unknown }
        return try await SlotStreams.read(conninfo, command: command)
    }

    /// The same for a command that only reads: it does without a target that cannot be reached.
    func streamsIfReachable(_ logger: Logger) async throws -> SlotStreams.Known {
        do {
            return try await streams()
        } catch let halt as Halt where halt.kind == .server {
            logger.warning("streams are not shown: \(halt.message)")
            return .unknown
        }
    }
}

enum SlotNames {
    static func name(_ text: String) throws(Halt) -> SlotName {
        guard let name = SlotName(text) else {
            throw Halt(
                .configuration, "\"\(text)\" cannot be the name of a slot.",
                advice: "Use 1 to 63 of a-z, 0-9 and underscores.")
        }
        return name
    }
}
