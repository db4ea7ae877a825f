import LeatTestSupport

/// A case in databases of its own: because it is about the database, or because Leat refuses it.
struct OwnRun {
    let test: Case
    let place: Place

    func run() async throws -> CaseResult {
        let home = test.home ?? Case.Home()
        var result = CaseResult(verdict: .same)
        try await Pair.with(
            place.versions,
            options: (source: home.sourceOptions, target: home.targetOptions)
        ) { pair in
            let test = named(pair.database)
            let home = test.home ?? Case.Home()
            do {
                try await CaseRun.setUp([test], pair)
                try await pair.source.run(script: home.sourceSettings, database: pair.database)
                try await pair.target.run(script: home.targetSettings, database: pair.database)
                result = try await run(test, home, pair)
            } catch {
                await OwnRun.dropRole(pair)
                throw error
            }
            await OwnRun.dropRole(pair)
        }
        return result
    }

    private func run(_ test: Case, _ home: Case.Home, _ pair: Pair) async throws -> CaseResult {
        let options =
            [
                "--source", pair.source.conninfo(database: pair.database, user: home.sourceUser),
                "--target", pair.target.conninfo(database: pair.database, user: home.targetUser),
                "--binary", place.form == .binary ? "on" : "off",
            ] + test.options
        guard let refusal = test.refusal(place.versions) else {
            let failed = try await CaseRun(cases: [test], pair: pair, options: options).run()
            return failed[test.id] ?? CaseResult(verdict: .same)
        }
        let run = RefusedRun(test: test, refusal: refusal, pair: pair, options: options)
        return try await run.run()
    }

    /// The case with the database's name where its SQL says `{db}`.
    private func named(_ database: String) -> Case {
        var test = test
        func name(_ text: inout String) { text = text.replacing("{db}", with: database) }
        name(&test.setup)
        test.targetSetup = test.targetSetup?.replacing("{db}", with: database)
        name(&test.rows)
        guard var home = test.home else { return test }
        name(&home.sourceSettings)
        name(&home.targetSettings)
        name(&home.sourceUser)
        name(&home.targetUser)
        test.home = home
        return test
    }

    private static func dropRole(_ pair: Pair) async {
        for server in [pair.source, pair.target] {
            _ = try? await server.run(
                script: """
                    set default_transaction_read_only = off;
                    select exists (select from pg_roles where rolname = '\(pair.database)') as role
                    \\gset
                    \\if :role
                    select pg_terminate_backend(pid, 5000) from pg_stat_activity
                      where usename = '\(pair.database)';
                    reassign owned by \(pair.database) to postgres;
                    drop owned by \(pair.database);
                    revoke all on parameter session_replication_role from \(pair.database);
                    drop role \(pair.database);
                    \\endif
                    """, database: pair.database)
        }
    }
}

/// A case at which Leat stops: at the right moment, with the right words, and nothing lost.
struct RefusedRun {
    let test: Case
    let refusal: Case.Refusal
    let pair: Pair
    let options: [String]

    func run() async throws -> CaseResult {
        let judge = try await Judge([test], pair.source, database: pair.database)
        if case .phase(let moment) = refusal.moment { try await goOn(until: moment) }
        let before = try await holdings(judge)
        if case .phase(let moment) = refusal.moment { try await run(moment) }
        let outcome = try await sync()
        try check(outcome)
        try await check(try await holdings(judge) == before, "the target's rows have changed")
        if refusal.moment == .start { try await RefusedRun.checkNothingCreated(pair) }
        try await mend(judge)
        return CaseResult(verdict: .refused, reason: refusal.summary)
    }

    private func check(_ outcome: Pair.Outcome) throws {
        guard outcome.exitCode == refusal.exitCode else {
            throw TestSupportError(
                "exit code \(outcome.exitCode) instead of \(refusal.exitCode)\n\(outcome.log)")
        }
        for word in refusal.words where !outcome.log.contains(word) {
            throw TestSupportError("\"\(word)\" is not in: \(outcome.log)")
        }
        for secret in refusal.secrets where outcome.text.contains(secret) {
            throw TestSupportError("a value is in the output: \(outcome.log)")
        }
    }

    private func check(_ isTrue: Bool, _ problem: String) async throws {
        guard isTrue else { throw TestSupportError(problem) }
    }

    /// All phases before the one at which Leat stops.
    private func goOn(until moment: Case.Phase) async throws {
        for phase in Case.Phase.allCases.prefix(while: { $0 != moment }) { try await run(phase) }
        let outcome = try await sync()
        guard outcome.exitCode == 0 else {
            throw TestSupportError("leat ended with \(outcome.exitCode)\n\(outcome.log)")
        }
    }

    private func run(_ phase: Case.Phase) async throws {
        try await CaseScript([test]) { $0.statements(of: phase) }
            .run(on: pair.source, database: pair.database)
    }

    private func mend(_ judge: Judge) async throws {
        guard let mend = refusal.mend else { return }
        try await CaseScript([test]) { _ in mend }.run(on: pair.target, database: pair.database)
        let outcome = try await sync()
        guard outcome.exitCode == 0 else {
            throw TestSupportError("mended, leat ended with \(outcome.exitCode)\n\(outcome.log)")
        }
        let source = try await judge.holdings(pair.source, database: pair.database)
        try await check(try await holdings(judge) == source, "mended, the sides differ")
    }

    private func holdings(_ judge: Judge) async throws -> [String: Holding] {
        try await judge.holdings(pair.target, database: pair.database)
    }

    private func sync() async throws -> Pair.Outcome {
        try await pair.leat(
            ["sync"] + pair.places + options + ["--endpos", "now"])
    }

    static func checkNothingCreated(_ pair: Pair) async throws {
        let slots = try await pair.sourceValue(
            "select count(*) from pg_replication_slots where database = '\(pair.database)'")
        let publications = try await pair.sourceValue(
            "select count(*) from pg_publication where pubname = '\(pair.objectName)'")
        guard slots == "0", publications == "0" else {
            throw TestSupportError("something was left on the source")
        }
    }
}
