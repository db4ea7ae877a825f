internal import LeatCore

/// Refuses a start at which the target would change rows by itself (exit code 6), and says in SQL
/// how to mend it.
struct RoleCheck {
    let role: ApplyRole
    let effects: TargetEffects

    private struct Problem {
        var sentence: String
        var mends: [String]
    }

    /// - Returns: What fires all the same, for warnings.
    /// - Throws: ``Halt`` with all that is wrong.
    func check() throws -> [String] {
        let triggers = try effects.triggers(role.firing)
        let rules = try effects.rules(role.firing)
        guard role != .replica else {
            return triggers.map { "trigger \($0.name) of \($0.table) fires under role replica" }
                + rules.map { "rule \($0.name) of \($0.table) applies under role replica" }
        }
        let problems = [
            try actionProblem(), ruleProblem(rules),
            role == .plain ? triggerProblem(triggers) : ownerProblem(triggers),
        ].compactMap { $0 }
        guard problems.isEmpty else {
            throw Halt(
                .preflight, problems.map(\.sentence).joined(separator: "\n"),
                advice: problems.flatMap(\.mends).joined(separator: "\n"))
        }
        return []
    }

    /// Tables to be copied whose foreign keys form a circle cannot be filled one by one.
    func checkCopy(_ tables: [TableName]) throws {
        guard role != .replica else { return }
        let circle = ForeignKeyOrder(try effects.foreignKeys()).levels(tables).circle
        guard !circle.isEmpty else { return }
        let names = circle.map { "\($0.constraint) of \($0.child)" }
        throw Halt(
            .preflight,
            """
            These foreign keys of the target form a circle, so that no table can be copied \
            first: \(NameList.text(Set(names).sorted())).
            """,
            advice: """
                Drop one of them until the tables are copied, or give the role session_replication\
                _role = replica.
                """)
    }

    private func actionProblem() throws -> Problem? {
        let actions = try effects.actions()
        guard !actions.isEmpty else { return nil }
        let list = NameList.text(actions.map { "\($0.constraint) of \($0.child)" })
        return Problem(
            sentence: """
                Foreign keys of the target would change rows by themselves (CASCADE, SET NULL or \
                SET DEFAULT), and the source sends those changes too: \(list).
                """,
            mends: ["On the target, until the stream ends:"] + actions.map(\.mending))
    }

    private func ruleProblem(_ rules: [TargetEffects.Rule]) -> Problem? {
        guard !rules.isEmpty else { return nil }
        let list = NameList.text(rules.map { "\($0.name) of \($0.table)" })
        return Problem(
            sentence: "Rules of the target would change what is written: \(list).",
            mends: ["On the target:"] + rules.map(\.disabling))
    }

    private func triggerProblem(_ triggers: [TargetEffects.Trigger]) -> Problem? {
        guard !triggers.isEmpty else { return nil }
        let list = NameList.text(triggers.map { "\($0.name) of \($0.table)" })
        return Problem(
            sentence: """
                Triggers of the target would fire again for changes that have fired the \
                source's: \(list).
                """,
            mends: ["Start with --role disable-triggers, or on the target:"]
                + triggers.map(\.disabling))
    }

    private func ownerProblem(_ triggers: [TargetEffects.Trigger]) -> Problem? {
        let foreign = triggers.filter { !$0.isOwned }
        guard !foreign.isEmpty else { return nil }
        let list = NameList.text(foreign.map { "\($0.name) of \($0.table)" })
        return Problem(
            sentence: "Only a table's owner may disable its triggers: \(list).",
            mends: ["As the owner, on the target:"] + foreign.map(\.disabling))
    }
}
