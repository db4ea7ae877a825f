internal import Foundation
internal import LeatCore

/// The same in the state folder, for a target that was away: `leat status` on this machine finds it.
struct LocalHaltNote {
    private let file: URL

    init(stateDirectory: String) {
        file = URL(fileURLWithPath: stateDirectory).appending(path: "halt.json")
    }

    func write(_ halt: Halt) {
        let note = StreamReport.Halt(
            at: Date.now.formatted(.iso8601), exitCode: Int(halt.exitCode.rawValue),
            message: halt.message, advice: halt.advice)
        guard let data = try? JSONEncoder().encode(note) else { return }
        try? data.write(to: file, options: .atomic)
    }

    func read() -> StreamReport.Halt? {
        guard let data = try? Data(contentsOf: file) else { return nil }
        return try? JSONDecoder().decode(StreamReport.Halt.self, from: data)
    }

    func clear() {
        try? FileManager.default.removeItem(at: file)
    }
}
