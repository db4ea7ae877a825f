import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.")

    /// Of the next release, until there is one.
    static let version = "0.1.0"

    func run() {
        print("leat \(VersionCommand.version)")
    }
}
