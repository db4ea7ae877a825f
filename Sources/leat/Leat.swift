import ArgumentParser

@main
struct Leat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leat",
        abstract: "Follows a PostgreSQL database into another one, by logical replication.",
        discussion: """
            Exit codes: 0 done, 1 internal error, 2 configuration, 3 source, 4 target, \
            6 preflight failed, 7 stopped on a change, 8 slot lost or position mismatch, \
            9 local disk, 64 usage, 130 interrupted.
            """,
        subcommands: [
            SyncCommand.self, StatusCommand.self, CleanupCommand.self, VersionCommand.self,
        ])
}
