import ArgumentParser
import Glibc
import LeatCore
import PGClient

@main
struct Leat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leat",
        abstract: "Follows a PostgreSQL database into another one, by logical replication.",
        discussion: """
            Exit codes: 0 done, 1 internal error, 2 configuration, 3 source, 4 target, \
            5 differences found, 6 preflight failed, 7 stopped on a change, 8 slot lost or \
            position mismatch, 9 local disk, 64 usage, 130 interrupted.
            """,
        version: VersionCommand.text,
        subcommands: [
            SyncCommand.self, RecordCommand.self, ReplayCommand.self, ArchiveCommand.self,
            StatusCommand.self, StopCommand.self, SlotCommand.self, PublicationCommand.self,
            SchemaCommand.self, ConflictsCommand.self, CleanupCommand.self,
            VersionCommand.self,
        ])

    static func main() async {
        // Whoever read the log may be gone.
        signal(SIGPIPE, SIG_IGN)
        ProcessMemory.returnLargeAllocations()
        OpenFiles.takeAllowed()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let message = StrayConninfo.refusal(arguments) {
            Terminal.shared.print(message)
            Leat.exit(withError: ArgumentParser.ExitCode(ExitCode.usage.rawValue))
        }
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            let message = UsageMessage.redacted(fullMessage(for: error), arguments: arguments)
            Terminal.shared.print(message)
            Leat.exit(withError: ArgumentParser.ExitCode(ExitCode.usage.rawValue))
        }
    }
}
