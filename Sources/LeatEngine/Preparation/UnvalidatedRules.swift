internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Constraints of the source that are NOT VALID: rows from before them may violate them. The
/// target has the constraint too, and refuses such rows in the middle of a copy.
struct UnvalidatedRules {
    private struct Rule: Sendable {
        var key: Key
        var kind: String
        /// SQL that finds rows which violate it.
        var violations: String
        var definition: String

        /// What it is on either side.
        struct Key: Sendable, Hashable {
            /// `t` for a table's, `d` for a domain's.
            var owner: String
            var object: TableName
            var name: String

            /// What it is on the target. A domain may have stayed where the source has it.
            func found(among keys: Set<Key>, renamedBy rules: RenameRules) -> Key? {
                var key = self
                key.object = rules.target(of: object)
                if keys.contains(key) { return key }
                return owner == "d" && keys.contains(self) ? self : nil
            }

            init(_ row: Record) throws {
                (owner, object) = (try row.text("owner"), try row.table())
                name = try row.text("conname")
            }
        }

        var name: String { key.name }
        var object: TableName { key.object }
        private var alter: String {
            "alter \(key.owner == "d" ? "domain" : "table") \(object.quoted)"
        }
        var dropping: String { "\(alter) drop constraint \(SQLText.identifier(name));" }
        /// As a comment, so that nobody runs it with the others.
        var making: String {
            "-- \(alter) add constraint \(SQLText.identifier(name)) \(definition);"
        }
    }

    /// Before tables are copied.
    ///
    /// - Parameter checksForeignKeys: Whether the target's role is held to them.
    /// - Throws: ``Halt`` with the statements that make way for the rows.
    static func check(
        _ tables: [SourceTable], source: Connection, applier: Applier,
        renamedBy renames: RenameRules, checksForeignKeys: Bool
    ) async throws {
        let ids = tables.map(\.relation.id)
        guard !ids.isEmpty else { return }
        let rules = try await source.run { try read(of: ids, on: $0) }
            .filter { $0.kind != "f" || checksForeignKeys }
        guard !rules.isEmpty else { return }
        let there = try await applier.run { try present(among: rules, renamedBy: renames, on: $0) }
        let broken = try await source.run { session in
            try there.filter { rule in
                try session.query("select exists (\(rule.violations))").bool()
            }
        }
        guard broken.isEmpty else { throw halt(broken) }
    }

    private static func halt(_ rules: [Rule]) -> Halt {
        let names = rules.map { "\($0.name) of \($0.object)" }
        return Halt(
            .preflight,
            """
            Rows of the source violate constraints that are NOT VALID there, and the target would \
            refuse them: \(NameList.text(names)).
            """,
            advice: (["On the target, until the tables are copied:"] + rules.map(\.dropping)
                + ["Then, if you need them there:"] + rules.map(\.making)).joined(separator: "\n"))
    }

    // MARK: The source

    /// Those of the tables, of their partitions, and of the domains of their columns. What is
    /// inherited is found where it comes from.
    private static func read(of ids: [RelationID], on session: Session) throws -> [Rule] {
        let list = ids.map { "\($0.rawValue)" }.joined(separator: ",")
        return try session.query(
            """
            with tables as materialized (
              select distinct p.relid as oid
              from pg_catalog.unnest('{\(list)}'::pg_catalog.oid[]) t (oid),
                lateral (select t.oid as relid
                  union select relid from pg_catalog.pg_partition_tree(t.oid)) p)
            select 't' as owner, n.nspname, c.relname, k.conname, k.contype as kind,
              case k.contype
                when 'c' then pg_catalog.format('select 1 from %s where not (%s)',
                  c.oid::pg_catalog.regclass, pg_catalog.pg_get_expr(k.conbin, k.conrelid))
                when 'n' then pg_catalog.format('select 1 from %s where %I is null',
                  c.oid::pg_catalog.regclass, (select a.attname from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid and a.attnum = k.conkey[1]))
                else (select pg_catalog.format(
                    'select 1 from %s c where %s and not exists (select from %s p where %s)',
                    c.oid::pg_catalog.regclass,
                    pg_catalog.string_agg(pg_catalog.format('c.%I is not null', a.attname), ' and '),
                    k.confrelid::pg_catalog.regclass,
                    pg_catalog.string_agg(
                      pg_catalog.format('p.%I = c.%I', b.attname, a.attname), ' and '))
                  from unnest(k.conkey, k.confkey) u (child, parent)
                  join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.child
                  join pg_catalog.pg_attribute b on b.attrelid = k.confrelid
                    and b.attnum = u.parent) end as violations,
              pg_catalog.pg_get_constraintdef(k.oid) as definition
            from tables t join pg_catalog.pg_constraint k on k.conrelid = t.oid
            join pg_catalog.pg_class c on c.oid = t.oid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where not k.convalidated and k.contype in ('c', 'f', 'n') and k.conislocal
            union all
            select 'd', n.nspname, y.typname, k.conname, 'c',
              pg_catalog.string_agg(pg_catalog.format(
                'select 1 from (select %I as value from %s) v where not (%s)', a.attname,
                a.attrelid::pg_catalog.regclass, pg_catalog.pg_get_expr(k.conbin, 0)), ' union all '),
              pg_catalog.pg_get_constraintdef(k.oid)
            from tables t join pg_catalog.pg_attribute a on a.attrelid = t.oid
              and a.attnum > 0 and not a.attisdropped
            join pg_catalog.pg_constraint k on k.contypid = a.atttypid and not k.convalidated
            join pg_catalog.pg_type y on y.oid = k.contypid
            join pg_catalog.pg_namespace n on n.oid = y.typnamespace
            group by n.nspname, y.typname, k.conname, k.oid
            order by 2, 3, 4
            """
        ).records.map { row in
            Rule(
                key: try Rule.Key(row), kind: try row.text("kind"),
                violations: try row.text("violations"), definition: try row.text("definition"))
        }
    }

    // MARK: The target

    /// Those that the target has, by their names there.
    private static func present(
        among rules: [Rule], renamedBy renames: RenameRules, on session: Session
    ) throws -> [Rule] {
        let enforced = session.serverVersion >= 180_000 ? "and k.conenforced" : ""
        let found = try session.query(
            """
            select case when k.contypid <> 0 then 'd' else 't' end as owner,
              coalesce(tn.nspname, yn.nspname) as nspname,
              coalesce(c.relname, y.typname) as relname, k.conname
            from pg_catalog.pg_constraint k
            left join pg_catalog.pg_class c on c.oid = k.conrelid
            left join pg_catalog.pg_namespace tn on tn.oid = c.relnamespace
            left join pg_catalog.pg_type y on y.oid = k.contypid
            left join pg_catalog.pg_namespace yn on yn.oid = y.typnamespace
            where k.conname = any (\(SQLText.textArray(rules.map(\.name))))
              \(enforced)
            """
        ).records.map(Rule.Key.init)
        let there = Set(found)
        return rules.compactMap { rule in
            guard let key = rule.key.found(among: there, renamedBy: renames) else { return nil }
            var rule = rule
            rule.key = key
            return rule
        }
    }
}
