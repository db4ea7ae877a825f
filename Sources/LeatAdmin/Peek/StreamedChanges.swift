internal import PGWire

/// Counts the changes of a transaction that comes while it is in progress, so that those of its
/// subtransactions can still be taken back.
///
/// Rows of one subtransaction and table mostly follow one another: they are kept as runs, which
/// are sorted and joined when they become many. So memory grows with the number of different
/// (subtransaction, table, operation), 24 bytes each, never with the number of rows.
struct StreamedChanges: Sendable {
    typealias Operation = PeekedChanges.Operation

    private struct Run {
        var subxid: UInt32
        /// Subject and operation.
        var kind: UInt32
        var count: Int
        var bytes: Int
    }

    static let firstLimit = 4096

    private var runs: [Run] = []
    private var aborted: Set<UInt32> = []
    private var limit = StreamedChanges.firstLimit

    mutating func add(
        subxid: TransactionID, subject: Int, operation: Operation, bytes: Int
    ) {
        let kind = UInt32(subject) << 3 | UInt32(operation.rawValue)
        if let last = runs.indices.last, runs[last].kind == kind,
            runs[last].subxid == subxid.rawValue
        {
            runs[last].count += 1
            runs[last].bytes += bytes
            return
        }
        if runs.count >= limit { join() }
        runs.append(Run(subxid: subxid.rawValue, kind: kind, count: 1, bytes: bytes))
    }

    /// The subtransaction was rolled back: nothing more comes of it.
    mutating func abort(_ subxid: TransactionID) {
        aborted.insert(subxid.rawValue)
    }

    /// What is left, each subject and operation once, in the order of subjects.
    mutating func tallies() -> [(subject: Int, operation: Operation, tally: ChangeTally)] {
        join()
        var tallies: [UInt32: ChangeTally] = [:]
        for run in runs {
            tallies[run.kind, default: ChangeTally()] += ChangeTally(
                count: run.count, bytes: run.bytes)
        }
        return tallies.sorted { $0.key < $1.key }.map { kind, tally in
            guard let operation = Operation(rawValue: UInt8(kind & 7)) else {
                preconditionFailure("an operation was stored in three bits")
            }
            return (Int(kind >> 3), operation, tally)
        }
    }

    private mutating func join() {
        if !aborted.isEmpty {
            runs.removeAll { aborted.contains($0.subxid) }
            aborted.removeAll()
        }
        runs.sort { ($0.subxid, $0.kind) < ($1.subxid, $1.kind) }
        var end = 0
        for run in runs {
            if end > 0, runs[end - 1].subxid == run.subxid, runs[end - 1].kind == run.kind {
                runs[end - 1].count += run.count
                runs[end - 1].bytes += run.bytes
            } else {
                runs[end] = run
                end += 1
            }
        }
        runs.removeLast(runs.count - end)
        limit = max(StreamedChanges.firstLimit, 2 * end)
    }
}
