import Foundation
import LeatTestSupport

/// Runs a round: the statements on the source, Leat beside them or not, and whatever it says to do.
struct HistoryDDLRun {
    private let pair: Pair
    private let round: HistoryDDLRound
    private var random: SeededGenerator
    private var publications: [String] = []
    private var retypings: [HistoryDDLRound.Retyping] = []
    /// Left out by the next start, to be copied by the one after it.
    private var excluded: Set<String> = []
    /// Of which Leat has said that rows may be missing, until they are copied: the next start does
    /// not say it again.
    private var told: Set<String> = []
    private(set) var starts = 0
    /// What was done, for whoever has to find out what went wrong.
    private(set) var journal: [String] = []

    init(_ pair: Pair, _ round: HistoryDDLRound, seed: UInt64) {
        self.pair = pair
        self.round = round
        random = SeededGenerator(seed: seed)
    }

    /// - Throws: ``TestSupportError`` for what must not be.
    mutating func run() async throws {
        try await pair.source.run(script: round.ddl, database: pair.database)
        try await pair.target.run(script: round.ddl, database: pair.database)
        try await pair.source.run(script: round.rows, database: pair.database)
        publications = round.phases.first?.publications ?? []
        try await settle(ignoring: [])
        for (index, phase) in round.phases.enumerated() {
            journal.append("phase \(index), \(phase.mode)")
            publications = phase.publications
            retypings = phase.retypings
            try await play(phase)
            try await settle(ignoring: phase.unsent)
        }
    }

    // MARK: Leat

    private var arguments: [String] {
        ["sync"] + pair.places + ["--status-interval", "200ms", "--log-format", "json"]
            + round.options + publications.flatMap { ["--publication", $0] }
    }

    private mutating func play(_ phase: HistoryDDLRound.Phase) async throws {
        guard phase.mode != .down else { return try await write(phase) }
        let leat = try LeatProcess(arguments)
        do { try await leat.waitForOutput(containing: "\"message\":\"streaming\"") } catch {
            // It may have something to say at once.
            guard leat.exit != nil else { throw error }
        }
        try await write(phase)
        guard phase.mode == .streaming else {
            try await leat.kill()
            return told.formUnion(HistoryDDLAdvice(log: leat.log).named)
        }
        let isApplied = try await wait(leat)
        if leat.exit == nil { leat.signal(SIGTERM) }
        let code = try await leat.waitForExit()
        try check(code, leat.log)
        if code == 0, isApplied { try await judge(leat.log, ignoring: phase.unsent) }
        told.formUnion(HistoryDDLAdvice(log: leat.log).named)
    }

    private func write(_ phase: HistoryDDLRound.Phase) async throws {
        try await pair.source.run(
            script: "set client_min_messages = error;\n\(phase.sql)", database: pair.database)
    }

    /// Until it has applied all, or has stopped.
    private func wait(_ leat: LeatProcess) async throws -> Bool {
        let end = try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? ""
        let query = "select end_lsn >= '\(end)' from leat.progress where stream = '\(pair.stream)'"
        var isApplied = false
        try await waitUntil("Leat applies the phase, or stops\n\(leat.log.suffix(2000))") {
            if leat.exit != nil { return true }
            isApplied = try await pair.targetValue(query) == "t"
            return isApplied
        }
        return isApplied
    }

    /// A change of the source is no reason for any other end.
    private func check(_ code: Int32, _ log: String) throws {
        guard [0, 2, 4, 6, 7, 8].contains(code) else {
            throw TestSupportError("leat ended with \(code)\n\(log.suffix(4000))")
        }
    }

    private func judge(
        _ log: String, ignoring: Set<String>, named told: Set<String> = []
    ) async throws {
        var judge = HistoryDDLJudge(pair: pair, publications: publications, ignored: ignoring)
        // Those that it has named are left to whoever was told.
        let advice = HistoryDDLAdvice(log: log)
        let named = advice.named.union(told).union(advice.leftOut).union(excluded)
        judge.ignored.formUnion(named.map { String($0.split(separator: ".").last ?? "") })
        let found = try await judge.differences()
        guard found.isEmpty else {
            throw TestSupportError(
                "exit code 0 with other rows: \(found.joined(separator: "\n"))\n\(log.suffix(3000))"
            )
        }
    }

    // MARK: Following what it says

    /// Starts it, does what it says, and so on, until it follows.
    private mutating func settle(ignoring: Set<String>) async throws {
        var options: [String] = []
        var last: [HistoryDDLAdvice] = []
        for _ in 0..<90 {
            starts += 1
            let words = options + excluded.sorted().flatMap { ["--exclude", $0] }
            let outcome = try await pair.leat(arguments + ["--endpos", "now"] + words)
            let advice = HistoryDDLAdvice(log: outcome.log)
            journal.append("\(words.joined(separator: " ")): \(outcome.exitCode) \(advice.text)")
            try check(outcome.exitCode, outcome.log)
            told.formUnion(advice.named)
            if outcome.exitCode == 0 {
                try await judge(outcome.log, ignoring: ignoring, named: told)
                guard advice.leftOut.isEmpty else {
                    options = try await follow(advice)
                    continue
                }
                let left = told.filter { !ignoring.contains(String($0.dropFirst(7))) }
                guard !left.isEmpty || !excluded.isEmpty else { return }
                options = excluded.isEmpty ? [] : ["--truncate", "--yes"]
                told.subtract(excluded)
                excluded = excluded.isEmpty ? left : []
                continue
            }
            last = last.suffix(2) + [advice]
            guard last.count < 3 || Set(last.map(\.text)).count > 1 else {
                throw TestSupportError("it says the same again and again: \(advice.text)")
            }
            // Whoever was told has to copy it.
            if let table = advice.conflict, told.contains(table) {
                excluded.insert(table)
                options = []
                continue
            }
            // Followed no longer.
            if !advice.unmatched.isEmpty {
                excluded.subtract(advice.unmatched)
                told.subtract(advice.unmatched)
                continue
            }
            options = try await follow(advice)
        }
        throw TestSupportError("it does not come to an end")
    }

    /// - Returns: What the next start is given besides.
    private mutating func follow(_ advice: HistoryDDLAdvice) async throws -> [String] {
        if let names = advice.publications {
            publications = names
            return []
        }
        if advice.needsCleanup {
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            guard cleanup.exitCode == 0 else { throw TestSupportError(cleanup.log) }
            return ["--truncate", "--yes"]
        }
        for line in advice.shell { try await pair.shell(line) }
        let statements = advice.statements
        guard !advice.isForSource else {
            journal.append(statements.joined(separator: "\n"))
            try await pair.onSource(statements.joined(separator: "\n"))
            return []
        }
        let isOnlyCopy = statements.isEmpty || isRepeated(advice) || random.once(in: 2)
        if let options = advice.options, isOnlyCopy { return options }
        excluded.formUnion(advice.excluded)
        guard !statements.isEmpty || !advice.shell.isEmpty || !advice.excluded.isEmpty else {
            throw TestSupportError("it names no way: \(advice.text)")
        }
        // By a table that the source has dropped: its constraints and partitions have names, too.
        let room = advice.blocked.map { "drop table \($0) cascade;" }
        var lines = room
        for statement in statements {
            lines.append(repeating(statement))
            rename(by: statement)
        }
        journal.append(lines.joined(separator: "\n"))
        do { try await pair.onTarget(lines.joined(separator: "\n")) } catch {
            throw TestSupportError("what it says fails: \(lines)\n\(error)\n\(advice.text)")
        }
        return []
    }

    /// What was told of a table is so under its new name.
    private mutating func rename(by statement: String) {
        guard
            let match = statement.wholeMatch(
                of: /alter table "public"\."(.+?)" rename to "(.+?)";/)
        else { return }
        let (old, new) = ("public.\(match.output.1)", "public.\(match.output.2)")
        if told.remove(old) != nil { told.insert(new) }
        if excluded.remove(old) != nil { excluded.insert(new) }
    }

    /// Whether only whoever wrote an ALTER knows what it made of the rows.
    private func isRepeated(_ advice: HistoryDDLAdvice) -> Bool {
        retypings.contains { retyping in
            retyping.using != nil
                && retyping.tables.contains { advice.message.contains("public.\($0) ") }
        }
    }

    /// With the USING clause that it asks for. What several ALTERs have made of a column is copied.
    private mutating func repeating(_ statement: String) -> String {
        guard
            let match = statement.wholeMatch(
                of:
                    /alter table "public"\."(.+?)" (.*)alter column "?(.+?)"? type (.+?)( using .*)?;/
            )
        else { return statement }
        let (table, column) = (String(match.output.1), String(match.output.3))
        let found = retypings.filter { $0.isOf(table, column) }
        guard found.contains(where: { $0.using != nil }) else { return statement }
        var using = found[0].using?.replacing("#", with: "\"\(column)\"")
        if found.count > 1 {
            excluded.insert("public.\(table)")
            using = match.output.4.hasPrefix("varchar") ? "left(\"\(column)\"::text, 5)" : nil
        }
        guard let using else { return statement }
        return """
            alter table "public"."\(table)" \(match.output.2)alter column "\(column)" \
            type \(match.output.4) using \(using);
            """
    }
}
