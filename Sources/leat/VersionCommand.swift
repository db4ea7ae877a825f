import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.")

    /// Of the next release, until there is one.
    static let version = "0.1.0"

    static let text = "leat \(version)"

    func run() {
        print(VersionCommand.text)
    }
}
