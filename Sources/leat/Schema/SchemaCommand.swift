import ArgumentParser

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "The schemas of both sides.",
        subcommands: [SchemaDiffCommand.self])
}
