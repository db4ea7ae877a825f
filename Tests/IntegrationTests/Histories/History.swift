/// A sequence of transactions of one session, and what a second session does beside them.
struct History: Sendable, Equatable {
    var number: Int
    var transactions: [HistoryTransaction]
    /// On a table of its own.
    var beside: [HistoryTransaction]

    var sql: String { Self.sql(transactions, "history \(number)") }
    var besideSQL: String { Self.sql(beside, "beside \(number)") }

    private static func sql(_ transactions: [HistoryTransaction], _ name: String) -> String {
        transactions.enumerated().map { index, transaction in
            "-- \(name), transaction \(index)\n" + transaction.sql
        }.joined(separator: "\n")
    }
}

struct HistoryTransaction: Sendable, Equatable {
    enum Ending: Sendable, Equatable {
        case commit
        case rollback
        /// `PREPARE TRANSACTION` under this name first.
        case preparedCommit(String)
        case preparedRollback(String)
        /// No `BEGIN`: each statement is a transaction.
        case eachAlone
    }

    var operations: [HistoryOperation]
    var ending: Ending

    var sql: String {
        let body = operations.map(\.sql)
        let lines =
            switch ending {
            case .commit: ["begin;"] + body + ["commit;"]
            case .rollback: ["begin;"] + body + ["rollback;"]
            case .preparedCommit(let name):
                ["begin;"] + body + [
                    "prepare transaction '\(name)';", "commit prepared '\(name)';",
                ]
            case .preparedRollback(let name):
                ["begin;"] + body
                    + ["prepare transaction '\(name)';", "rollback prepared '\(name)';"]
            case .eachAlone: body
            }
        return lines.joined(separator: "\n") + "\n"
    }
}
