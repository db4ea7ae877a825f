internal import PGWire

/// Consecutive source transactions of a batch that share a target transaction.
struct ApplyRun {
    /// Indexes in the batch.
    var transactions: Range<Int>
    var changes: Range<Int>
    /// The transaction whose end commits the run; nil while the last one goes on in the next
    /// batch.
    var end: Transaction?

    /// One run for the rest of a transaction that began in an earlier batch, one for all that
    /// are whole, one for a last one whose end is still to come; more if they are about more
    /// tables than should be locked at once.
    static func split(_ batch: Batch, within budget: LockBudget) -> [ApplyRun] {
        var runs: [ApplyRun] = []
        var first = 0
        for index in batch.transactions.indices {
            let transaction = batch.transactions[index]
            if transaction.beganEarlier, transaction.isComplete {
                runs.append(run(of: index...index, in: batch))
                first = index + 1
            } else if !transaction.isComplete {
                if first < index { runs.append(run(of: first...(index - 1), in: batch)) }
                runs.append(run(of: index...index, in: batch))
                first = index + 1
            }
        }
        if first < batch.transactions.count {
            runs.append(run(of: first...(batch.transactions.count - 1), in: batch))
        }
        return runs.flatMap { $0.split(batch, within: budget) }
    }

    private func split(_ batch: Batch, within budget: LockBudget) -> [ApplyRun] {
        guard transactions.count > 1, !budget.coversAll else { return [self] }
        var runs: [ApplyRun] = []
        var held = LockBudget.Held(budget)
        var first = transactions.lowerBound
        for single in singles(batch) {
            let index = single.transactions.lowerBound
            if !held.take(single.changes, of: batch), index > first {
                runs.append(ApplyRun.run(of: first...index - 1, in: batch))
                first = index
                held.restart()
                _ = held.take(single.changes, of: batch)
            }
        }
        runs.append(ApplyRun.run(of: first...transactions.upperBound - 1, in: batch))
        return runs
    }

    private func singles(_ batch: Batch) -> [ApplyRun] {
        transactions.map { ApplyRun.run(of: $0...$0, in: batch) }
    }

    /// - Parameter transactions: All of them, or one.
    func part(_ transactions: Range<Int>, of batch: Batch) -> ApplyRun {
        guard transactions != self.transactions else { return self }
        return ApplyRun.run(of: transactions.lowerBound...transactions.upperBound - 1, in: batch)
    }

    private static func run(of range: ClosedRange<Int>, in batch: Batch) -> ApplyRun {
        let last = batch.transactions[range.upperBound]
        return ApplyRun(
            transactions: Range(range),
            changes: batch.changes(ofTransactions: range),
            end: last.isComplete ? last : nil)
    }
}
