internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Whether a rule of the target that a row broke is one that the source has no more.
///
/// Then the row is right, and the only way on that loses nothing is that the target gives the rule
/// up, too. Nothing of a rule is in the stream.
struct LoosenedRules {
    let source: any SourceDefinitions
    let applier: Applier
    /// Of the followed tables.
    var routes: [TableRoute] = []

    /// The halt with the statements for such a rule, if it is about one.
    func explain(_ halt: Halt) async -> Halt {
        // A target that cannot be asked leaves what was said.
        guard let broken = halt.broken, let target = try? await targetRules(broken.rule.owner)
        else { return halt }
        var halt = halt
        if let there = try? await sourceRules(broken.rule.owner) {
            guard let rule = LoosenedRule(broken.rule, target: target, source: there) else {
                return halt
            }
            halt.advice = LoosenedRules.text(
                "The source has no such rule, or has another one in its place. On the target:",
                rule: rule,
                wayOn: broken.wayOn)
        } else if let rule = LoosenedRule(broken.rule, target: target, source: []) {
            halt.advice = LoosenedRules.text(
                """
                Whether the source has this rule is not known here: nothing of it is in the stream. \
                If it does not, on the target:
                """, rule: rule, wayOn: halt.advice ?? "")
        }
        return halt
    }

    private static func text(_ opening: String, rule: LoosenedRule, wayOn: String) -> String {
        ([opening] + rule.statements + [wayOn]).joined(separator: "\n")
    }

    private func targetRules(_ owner: BrokenRule.Owner) async throws -> [SchemaRule]? {
        try await applier.run { try RuleCatalog(session: $0).rules(of: owner) }
    }

    /// A table of the target may be a partition where the source has none of the name.
    private func sourceRules(_ owner: BrokenRule.Owner) async throws -> [SchemaRule]? {
        guard let owner = onSource(owner) else { return nil }
        if let rules = try await source.rules(of: owner) { return rules }
        guard case .table(let name) = owner,
            let root = try await applier.run({ try RuleCatalog(session: $0).root(of: name) })
        else { return nil }
        guard let root = onSource(.table(root)) else { return nil }
        return try await source.rules(of: root)
    }

    /// What the source calls it; nil where columns have other names there, which rules are about.
    private func onSource(_ owner: BrokenRule.Owner) -> BrokenRule.Owner? {
        guard !applier.handling.renames.isEmpty else { return owner }
        guard case .table(let name) = owner else { return nil }
        guard let route = routes.first(where: { $0.target == name }) else {
            return applier.handling.renames.target(of: name) == name ? owner : nil
        }
        return route.renamed.isEmpty ? .table(route.source) : nil
    }
}

extension ServerError {
    /// What a row broke; nil for anything else, and for what code on the target raises.
    var brokenRule: BrokenRule? {
        guard sqlState.conditionClass == .integrityConstraintViolation, !isFromFunction, let schema
        else { return nil }
        if let dataType {
            return BrokenRule(
                owner: .domain(TableName(schema: schema, name: dataType)), constraint: constraint)
        }
        // The bounds of a partition are no constraint with a name.
        guard let table, constraint != nil || column != nil else { return nil }
        return BrokenRule(
            owner: .table(TableName(schema: schema, name: table)), constraint: constraint,
            column: column)
    }
}
