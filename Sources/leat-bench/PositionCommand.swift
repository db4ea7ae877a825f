import ArgumentParser
import LeatCore
import LeatEngine
import PGClient

/// Moves a position under an old snapshot.
struct PositionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "position",
        abstract: "Move a position again and again while somebody holds an old snapshot.",
        discussion: "Makes schema leat in the database, if it is not there.")

    @Option(help: "Connection string of a target, best one of its own.")
    var target: String

    @Option(help: "Updates in each window.")
    var updates = 2000

    @Option(help: "Windows, one after the other.")
    var windows = 10

    func validate() throws {
        guard updates > 0, windows > 0 else { throw ValidationError("Both are at least 1.") }
    }

    func run() throws {
        guard let stream = StreamName("bench_position") else { preconditionFailure("a valid name") }
        let position = try PositionUpdates(target: Conninfo(target), stream: stream)
        print("us per update, in windows of \(updates) updates")
        for (name, byKey, holdsSnapshot) in [
            ("by place, no snapshot", false, false), ("by place, old snapshot", false, true),
            ("by key, no snapshot", true, false), ("by key, old snapshot", true, true),
        ] {
            let times = try position.run(
                windows: windows, updates: updates, byKey: byKey, holdsSnapshot: holdsSnapshot)
            let shown = times.map { "\(Int(($0 / .microseconds(1)).rounded()))" }
            print("\(name): \(shown.joined(separator: " "))")
        }
    }
}
