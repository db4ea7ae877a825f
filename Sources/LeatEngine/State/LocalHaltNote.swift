internal import Foundation
internal import LeatArchive
internal import LeatCore

/// The same in the state folder, for a target that was away: `leat status` on this machine finds it.
struct LocalHaltNote {
    private let path: String
    /// More would be no note.
    private static let mostBytes = 1 << 20

    init(stateDirectory: String) {
        path = "\(stateDirectory)/\(StateFolderContents.haltName)"
    }

    func write(_ halt: Halt) {
        let note = StreamReport.Halt(
            at: Date.now.formatted(.iso8601), exitCode: Int(halt.exitCode.rawValue),
            message: halt.message, advice: halt.advice)
        guard let data = try? JSONEncoder().encode(note) else { return }
        try? File.replace(path, with: Array(data))
    }

    /// Nil if there is none, or it is not what was written.
    func read() -> StreamReport.Halt? {
        guard let file = try? File.openIfPresent(path),
            let bytes = try? file.read(at: 0, count: LocalHaltNote.mostBytes),
            let note = try? JSONDecoder().decode(StreamReport.Halt.self, from: Data(bytes)),
            let code = Int32(exactly: note.exitCode), ExitCode(rawValue: code) != nil
        else { return nil }
        return note
    }

    func clear() {
        try? File.remove(path)
    }
}
