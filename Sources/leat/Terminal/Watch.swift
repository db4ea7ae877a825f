import Foundation
import LeatCore
import UnixSignals

/// Prints something once, or with `--watch` again and again until a signal ends it: in place on a
/// terminal, one below the other elsewhere.
struct Watch {
    var isOn: Bool
    var interval: Duration
    /// Over what was shown before, where it can be.
    var isInPlace = true

    /// - Parameter text: Read anew each time. The first failure is the command's end; a later one
    ///   is shown, and the next try may do better.
    func run(_ text: @escaping @Sendable () async throws -> String) async throws {
        guard isOn else { return print(try await text()) }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals { return }
            }
            group.addTask { try await repeating(text) }
            // The first to end is the signal, or a failure.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func repeating(_ text: @Sendable () async throws -> String) async throws {
        show(try await text())
        while true {
            try await Task.sleep(for: max(interval, .milliseconds(100)))
            do { show(try await text()) } catch let halt as Halt {
                Terminal.shared.print("\(halt.message)")
            }
        }
    }

    private func show(_ text: String) {
        let text = TextStyle.printed(text, usesColour: TextStyle.output.usesColour)
        guard isInPlace, isatty(STDOUT_FILENO) == 1 else {
            return FileHandle.standardOutput.write(Data("\(text)\n".utf8))
        }
        // Home, each line cleared to its end, and what is left below: no flicker.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let screen = lines.map { "\($0)\u{1B}[K\n" }.joined()
        FileHandle.standardOutput.write(Data("\u{1B}[H\(screen)\u{1B}[J".utf8))
    }
}
