import Foundation
import PGWire
import Synchronization

/// Standard error: log lines, and below them, on a terminal, lines that change in place.
final class Terminal: Sendable {
    static let shared = Terminal()

    let isInteractive = isatty(STDERR_FILENO) == 1
    private let liveLines = Mutex<[String]>([])

    /// Prints a line above the live ones.
    ///
    /// Whatever is in it, the terminal is told nothing but ``TextStyle``'s colours.
    func print(_ line: String) {
        let line = TextStyle.printed(line, usesColour: usesColour)
        liveLines.withLock { live in
            write(erasure(live) + line + "\n" + live.map { $0 + "\n" }.joined())
        }
    }

    /// Replaces the live lines; a terminal only.
    func show(_ lines: [String]) {
        guard isInteractive else { return }
        liveLines.withLock { live in
            let fitting = lines.map { String(PrintedText.line($0).prefix(width)) }
            guard fitting != live else { return }
            write(erasure(live) + fitting.map { $0 + "\n" }.joined())
            live = fitting
        }
    }

    /// Lets the live lines stand, as the last word.
    func settle() {
        liveLines.withLock { $0 = [] }
    }

    var usesColour: Bool {
        isInteractive && ProcessInfo.processInfo.environment["NO_COLOR"]?.isEmpty ?? true
    }

    /// Up to the first live line, and everything below it gone.
    private func erasure(_ live: [String]) -> String {
        live.isEmpty ? "" : "\u{1B}[\(live.count)F\u{1B}[J"
    }

    private var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col) - 1
    }

    private func write(_ text: String) {
        // A full disk, or a reader that is gone, is no reason to stop replicating.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
