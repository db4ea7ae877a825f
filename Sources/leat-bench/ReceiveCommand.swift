import ArgumentParser
import Foundation
import LeatCore
import LeatEngine
import PGClient
import Synchronization

/// A real stream up to the end of the source's WAL, received and thrown away.
struct ReceiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receive a slot's stream, throw it away, and say what it cost.",
        discussion: "Nothing is confirmed: the slot stays where it is.")

    @Option(help: "Connection string of the source.")
    var source: String

    @Option(help: "The slot to read from.")
    var slot: String

    @Option(help: "The publication whose tables are followed.")
    var publication: String

    @Flag(help: "Ask for values in binary form.")
    var binary = false

    func run() async throws {
        guard let stream = StreamName("bench") else { preconditionFailure("a valid name") }
        let discarded = DiscardedStream(
            source: try Conninfo(source), stream: stream, slot: slot, publication: publication,
            isBinary: binary)
        let spool = FileManager.default.temporaryDirectory
            .appending(path: "leat-bench-\(ProcessInfo.processInfo.processIdentifier)").path
        let before = Mutex(ProcessorTime())
        let after = Mutex(ProcessorTime())
        let totals = try await discarded.run(
            spoolFolder: spool,
            starting: { pid in before.withLock { $0 = ProcessorTime(walsender: pid) } },
            received: { pid in after.withLock { $0 = ProcessorTime(walsender: pid) } })
        report(totals, from: before.withLock { $0 }, to: after.withLock { $0 })
    }

    private func report(
        _ totals: DiscardedStream.Totals, from before: ProcessorTime, to after: ProcessorTime
    ) {
        func perRow(_ duration: Duration) -> String {
            guard totals.changes > 0 else { return "-" }
            return "\((duration / .nanoseconds(1) / Double(totals.changes)).rounded()) ns/row"
        }
        print(
            """
            \(totals.changes) rows in \(totals.transactions) transactions, \(totals.batches) \
            batches of \(totals.batchBytes / max(totals.batches, 1)) bytes
            wall \(perRow(after.wall - before.wall))
            leat \(perRow(after.own - before.own))
            """)
        if let (end, start) = after.walsender.flatMap({ end in before.walsender.map { (end, $0) } })
        {
            print("walsender \(perRow(end - start))")
        } else {
            print("walsender on another machine")
        }
    }
}
