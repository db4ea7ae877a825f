import ArgumentParser
import Foundation
import LeatCore

struct StreamOptions: ParsableArguments {
    @Option(help: "Name of the stream; slot, publication and origin are leat_<stream>.")
    var stream = "main"

    @Option(help: "Folder for the stream's local state. Default: $XDG_STATE_HOME/leat/<stream>.")
    var stateDir: String?

    /// The stream of a command that may do without.
    static func name(_ text: String?) throws(Halt) -> StreamName? {
        guard let text else { return nil }
        guard let name = StreamName(text) else {
            throw Halt(.configuration, "\"\(text)\" cannot be the name of a stream.")
        }
        return name
    }

    func name() throws(Halt) -> StreamName {
        guard let name = StreamName(stream) else {
            throw Halt(
                .configuration, "\"\(stream)\" cannot be the name of a stream.",
                advice: "Use 1 to 50 of a-z, 0-9 and underscores.")
        }
        return name
    }

    func stateDirectory() -> String {
        stateDir ?? StreamOptions.stateDirectory(of: stream)
    }

    /// Where it is by default.
    static func stateDirectory(of stream: String) -> String {
        let environment = ProcessInfo.processInfo.environment
        let base =
            environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? (environment["HOME"] ?? "/var/tmp") + "/.local/state"
        return "\(base)/leat/\(stream)"
    }
}

struct LogOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Option(help: "Form of the log on stderr: text or json.")
    var logFormat = Format.text

    @Flag(name: .shortAndLong, help: "Log more.")
    var verbose = false
}
