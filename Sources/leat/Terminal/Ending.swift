import ArgumentParser
import LeatCore
import Logging

/// How a command ends: with an exit code, and words for a failure.
enum Ending {
    /// Runs a command's body; a ``Halt`` becomes a log line and its exit code.
    static func report(to logger: Logger, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let halt as Halt {
            Terminal.shared.settle()
            var fields: Logger.Metadata = ["exit_code": "\(halt.exitCode.rawValue)"]
            if (logger.handler as? LogLines)?.format == .json, let advice = halt.advice {
                fields["advice"] = "\(advice)"
                logger.error("\(halt.message)", metadata: fields)
            } else {
                logger.error("\(halt)", metadata: [:])
            }
            throw ArgumentParser.ExitCode(halt.exitCode.rawValue)
        }
    }
}

/// A question on the terminal.
enum Question {
    /// True only for an explicit yes. Nil if nobody can be asked.
    static func ask(_ text: String) -> Bool? {
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        Terminal.shared.print("\(text) [y/N]")
        let answer = readLine()?.lowercased()
        return answer == "y" || answer == "yes"
    }
}

import Foundation
