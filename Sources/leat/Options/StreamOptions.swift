import ArgumentParser
import Foundation
import LeatConfig
import LeatCore

struct StreamOptions: ParsableArguments {
    @Option(
        help: "Name of the stream; slot, publication and origin are leat_<stream>. Default: main.")
    var stream: String?

    @Option(
        help: ArgumentHelp(
            "Folder for the stream's local state, which Leat empties at each start.",
            discussion: """
                Default: $STATE_DIRECTORY/<stream>, $XDG_STATE_HOME/leat/<stream>, for root \
                /var/lib/leat/<stream>, else ~/.local/state/leat/<stream>.
                """))
    var stateDir: String?

    /// The stream of a command that may do without.
    static func name(_ text: String?) throws(Halt) -> StreamName? {
        guard let text else { return nil }
        guard let name = StreamName(text) else {
            throw Halt(.configuration, "\"\(text)\" cannot be the name of a stream.")
        }
        return name
    }

    func name(_ settings: Settings) throws(Halt) -> StreamName {
        try StreamOptions.name(flag: stream, settings)
    }

    static func name(flag: String?, _ settings: Settings) throws(Halt) -> StreamName {
        let text = try settings.value(of: CommandSettings.stream, flag: flag) ?? "main"
        guard let name = StreamName(text) else {
            throw Halt(
                .configuration, "\"\(text)\" cannot be the name of a stream.",
                advice: "Use 1 to 50 of a-z, 0-9 and underscores.")
        }
        return name
    }

    /// - Throws: ``Halt`` if none is given and there is none by default.
    func stateDirectory(_ settings: Settings) throws(Halt) -> String {
        if let stateDir = try settings.value(of: CommandSettings.stateDir, flag: stateDir) {
            guard !stateDir.isEmpty else {
                throw Halt(.configuration, "--state-dir is empty.", advice: "Give a folder.")
            }
            return stateDir
        }
        guard let folder = StateDirectory.ofThisProcess(try name(settings).text) else {
            throw Halt(
                .configuration,
                "There is no folder for the stream's local state: HOME is not set.",
                advice: """
                    Give one with --state-dir, or set HOME, XDG_STATE_HOME, or, as systemd does, \
                    STATE_DIRECTORY.
                    """)
        }
        return folder
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
