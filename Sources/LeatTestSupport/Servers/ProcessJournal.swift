import Synchronization

/// What the processes of one test have said last, for when it fails.
public final class ProcessJournal: Sendable {
    @TaskLocal static var current: ProcessJournal?

    private let words = Mutex<[String]>([])

    public init() {}

    /// Runs `body`; the processes that it starts are noted as they go.
    public func keeping<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await ProcessJournal.$current.withValue(self, operation: body)
    }

    func note(_ process: ChildProcess) {
        let end = process.exit.map { "\($0)" } ?? "running"
        let text = "\(process.name) (\(end)):\n\(lastLines(12, of: process.errorOutput))"
        words.withLock { $0.append(text) }
    }

    /// Of the newest few.
    public var lastWords: String { words.withLock { $0.suffix(4).joined(separator: "\n") } }
}
