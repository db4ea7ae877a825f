/// Some histories with DDL that share one stream, and what Leat does meanwhile.
struct HistoryDDLRound: Sendable, Equatable {
    enum Mode: String, Sendable, CaseIterable {
        case streaming, down, killed
    }

    /// How the stream is told what to follow.
    enum Publishing: Sendable, Equatable {
        /// By a publication of its own.
        case own
        /// `for all tables`.
        case all
        /// `p` has the tables of the even histories, `q` those of the odd ones.
        case two
    }

    /// One statement or a transaction.
    struct Step: Sendable, Equatable {
        var statements: [String]
        /// Whether one that fails is a fault of the generator, and not just a row that is there
        /// already.
        var isStrict = false
    }

    /// An ALTER of a type: what its USING clause makes of the rows nobody but whoever wrote it can
    /// repeat.
    struct Retyping: Sendable, Equatable {
        /// All names that they have until the phase ends.
        var tables: Set<String>
        var columns: Set<String>
        /// With `#` for the column.
        var using: String?

        func isOf(_ table: String, _ column: String) -> Bool {
            tables.contains(table) && columns.contains(column)
        }
    }

    struct Phase: Sendable, Equatable {
        var mode: Mode
        /// Given to Leat from here on.
        var publications: [String]
        var steps: [Step] = []
        /// Tables whose changes are not all sent at its end: nobody compares them.
        var unsent: Set<String> = []
        var retypings: [Retyping] = []

        var sql: String {
            steps.map { step in
                """
                \\set ON_ERROR_STOP \(step.isStrict ? "on" : "off")
                \(step.statements.joined(separator: "\n"))

                """
            }.joined()
        }
    }

    var publishing: Publishing
    /// On both sides.
    var ddl: String
    /// On the source.
    var rows: String
    var options: [String]
    var phases: [Phase]

    var sql: String {
        let opening = "-- \(publishing), \(options.joined(separator: " "))\n\(ddl)\n\(rows)\n"
        return opening
            + phases.enumerated().map { index, phase in
                let list = phase.publications.joined(separator: ", ")
                return "-- phase \(index), \(phase.mode), publications \(list)\n\(phase.sql)"
            }.joined()
    }
}
