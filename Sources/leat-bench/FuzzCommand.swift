import ArgumentParser
import Foundation
import LeatFuzz
import LeatTestSupport

/// Damaged streams and archives, read until something is found.
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz", abstract: "Read damaged streams and archives.",
        discussion: """
            A finding, or the round that is at work when a trap ends the process, is printed with \
            its seed: --seed with that number and --rounds 1 repeats it.
            """)

    @Option(help: "Of the first round; each next one has one more. Default: a new one.")
    var seed: UInt64?

    @Option(help: "Stops after so many; default: after so many messages.")
    var rounds: UInt64?

    @Option(help: "Stops once so many messages were read.")
    var messages = 10_000_000

    @Option(help: "A folder of recorded streams, as Tests/PGWireTests/Captures.")
    var recordings = "Tests/PGWireTests/Captures"

    func run() throws {
        let first = seed ?? SeededGenerator.seed
        let recorded = try FuzzCommand.recorded(recordings)
        print("seed \(first), \(recorded.count) recorded streams")
        FuzzCommand.tellTraps()
        var (count, round) = (0, UInt64(0))
        while rounds.map({ round < $0 }) ?? (count < messages) {
            FuzzCommand.current = first &+ round
            for kind in [FuzzRound.messages, .archive] {
                do { count += try kind.run(seed: first &+ round, recordings: recorded) } catch {
                    print("seed \(first &+ round): \(error)")
                    throw ExitCode.failure
                }
            }
            round += 1
            if round.isMultiple(of: 10_000) { print("\(round) rounds, \(count) messages") }
        }
        print("\(round) rounds, \(count) messages: nothing found")
    }

    // SAFETY: one thread writes it; the handler, which interrupts that thread, reads it.
    nonisolated(unsafe) private static var current: UInt64 = 0

    private static func tellTraps() {
        for number in [SIGTRAP, SIGILL, SIGSEGV, SIGBUS] {
            signal(number) { number in
                signal(number, SIG_DFL)
                FileHandle.standardError.write(Data("seed \(FuzzCommand.current): trap\n".utf8))
                raise(number)
            }
        }
    }

    private static func recorded(_ folder: String) throws -> [[[UInt8]]] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .filter { $0.hasSuffix(".hex") }
            .map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
            .compactMap(Recording.payloads)
    }
}
