/// A rule of the target that its source has no more, or has in another form.
public struct LoosenedRule: Sendable {
    private let broken: BrokenRule
    private let rule: SchemaRule
    private let target: [SchemaRule]
    private let source: [SchemaRule]

    /// - Returns: Nil if the source has the rule, or one that forbids more, so that a row of it
    ///   cannot break it; or if the target has no such rule by now.
    public init?(_ broken: BrokenRule, target: [SchemaRule], source: [SchemaRule]) {
        let found = target.first { rule in
            broken.constraint.map { rule.kind != .notNull && rule.name.isSameName(as: $0) }
                ?? (rule.kind == .notNull
                    && broken.column.map { rule.name.isSameName(as: $0) } ?? true)
        }
        guard let found, !source.contains(where: { $0.implies(found) }) else { return nil }
        self.broken = broken
        self.target = target
        self.source = source
        rule = found
    }

    /// What to run on the target, in an order that works.
    public var statements: [String] {
        if case .domain(let name) = broken.owner { return domain(name) }
        guard rule.kind == .notNull else { return drop(rule) }
        // Its columns cannot be NULL.
        let keys = target.filter { rule in
            rule.kind == .primaryKey && rule.columns.contains { $0.isSameName(as: self.rule.name) }
        }
        return keys.flatMap(drop) + rule.before + [
            "alter table \(rule.origin.quoted) alter column "
                + "\(SQLText.identifier(rule.originName)) drop not null;"
        ]
    }

    private func domain(_ name: TableName) -> [String] {
        guard rule.kind != .notNull else { return ["alter domain \(name.quoted) drop not null;"] }
        let alter = "alter domain \(name.quoted)"
        return ["\(alter) drop constraint \(SQLText.identifier(rule.originName));"]
            + later(alter)
    }

    private func drop(_ rule: SchemaRule) -> [String] {
        let name = SQLText.identifier(rule.originName)
        guard rule.kind != .uniqueIndex else {
            return ["drop index \(SQLText.identifier(rule.origin.schema)).\(name);"]
        }
        let alter = "alter table \(rule.origin.quoted)"
        if let wider = wider(than: rule) {
            return rule.before
                + ["\(alter) drop constraint \(name), add constraint \(name) \(wider);"]
        }
        return rule.before + ["\(alter) drop constraint \(name);"] + later(alter)
    }

    /// The source's key where it has more columns: rows that were told apart by less fit it, and
    /// rows are found by it.
    private func wider(than rule: SchemaRule) -> String? {
        guard [.primaryKey, .unique].contains(rule.kind), !rule.columns.isEmpty else { return nil }
        return source.first { other in
            other.kind == rule.kind
                && (rule.kind == .primaryKey || other.name.isSameName(as: rule.name))
                && rule.columns.allSatisfy { column in
                    other.columns.contains { $0.isSameName(as: column) }
                }
        }?.definition
    }

    /// What the source has under the same name. The target's rows may be older than it.
    private func later(_ alter: String) -> [String] {
        source.filter { $0.kind == rule.kind && $0.name.isSameName(as: rule.name) }.map { other in
            "-- once the stream has caught up: \(alter) add constraint "
                + "\(SQLText.identifier(other.name)) \(other.definition);"
        }
    }
}
