internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// Brings the target's sequences to where the source's stand: logical replication does not.
///
/// An ascending one gets the greatest, a descending one the least, of the source's value and of
/// what its column on the target holds, as far as the sequence goes: an application may have
/// inserted other values. One that cycles gets the source's value.
struct SequenceSync {
    /// A sequence of the source, with the column that owns it.
    struct Source: Sendable {
        var name: TableName
        var lastValue: String
        var isCalled: Bool
        var isAscending: Bool
        var cycles: Bool
        var owner: (table: TableName, column: String)?
    }

    /// One that stays as it is on the target.
    struct Skipped: Sendable {
        var name: TableName
        var reason: String
    }

    /// What the role may not read on the source.
    ///
    /// - Throws: ``Halt`` with the statements that grant it: what was skipped would start at 1 on
    ///   the target, and collide with the rows that are there.
    static func checkReadable(_ session: Session, tables: [TableName], all: Bool) throws {
        let names = try required(session, tables: tables, all: all).filter { !$0.isReadable }
            .map(\.name)
        guard !names.isEmpty else { return }
        let role = try session.role()
        throw Halt(
            .preflight,
            "The source role may not read these sequences: \(NameList.text(names.map(\.description))).",
            advice: NameList.lines(
                ["On the source:"]
                    + GrantText.statements("select", on: names, kind: "sequence", to: role)
            ).joined(separator: "\n"))
    }

    /// The sequences that the target needs: those of followed tables, and, if `all`, those that are
    /// of no table.
    static func required(
        _ session: Session, tables: [TableName], all: Bool
    ) throws -> [(name: TableName, isReadable: Bool)] {
        let followed = Set(tables)
        var found: [(name: TableName, isReadable: Bool)] = []
        for use in try find(session) {
            guard use.table.map(followed.contains) ?? all, found.last?.name != use.name else {
                continue
            }
            found.append((use.name, use.isReadable))
        }
        return found
    }

    /// Sequences that are on the target and may not be set there.
    static func unsettable(among names: [TableName], on session: Session) throws -> [TableName] {
        guard !names.isEmpty else { return [] }
        return try session.query(
            """
            select distinct n.nspname, c.relname
            from unnest(\(SQLText.textArray(names.map(\.schema))),
              \(SQLText.textArray(names.map(\.name)))) v (schema_name, sequence_name)
            join pg_catalog.pg_namespace n on n.nspname = v.schema_name
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.sequence_name
            where c.relkind = 'S' and not (
              pg_catalog.has_sequence_privilege(c.oid, 'update')
              and pg_catalog.has_sequence_privilege(c.oid, 'select')
              and pg_catalog.has_schema_privilege(n.oid, 'usage'))
            order by 1, 2
            """
        ).tables()
    }

    static func notSettable(
        _ code: ExitCode, names: [TableName], on session: Session
    ) throws -> Halt {
        let grants = GrantText.statements(
            "select, update", on: names, kind: "sequence", to: try session.role())
        return Halt(
            code,
            """
            The target role may not set these sequences, so that values of theirs would be given \
            out again: \(NameList.text(names.map(\.description))).
            """,
            advice: (["On the target:"] + grants).joined(separator: "\n"))
    }

    /// Sequences that columns of these tables own or take their default from, and, if `all`,
    /// every other one of the database too.
    static func read(_ session: Session, tables: [TableName], all: Bool) throws -> [Source] {
        let followed = Set(tables)
        var sources: [Source] = []
        for use in try find(session) where use.isReadable {
            let isFollowed = use.table.map(followed.contains) ?? false
            guard isFollowed || all && sources.last?.name != use.name else { continue }
            let value = try session.query(
                "select last_value, is_called from \(use.name.quoted)"
            ).onlyRecord()
            let owner = isFollowed ? use.table.flatMap { t in use.column.map { (t, $0) } } : nil
            sources.append(
                Source(
                    name: use.name, lastValue: "\(try value.int("last_value"))",
                    isCalled: try value.bool("is_called"), isAscending: use.isAscending,
                    cycles: use.cycles, owner: owner))
        }
        return sources
    }

    /// A sequence, and one that uses it if any does.
    private struct Use {
        var name: TableName
        var isAscending: Bool
        var cycles: Bool
        var isReadable: Bool
        var table: TableName?
        /// Nil also if it is of no integer type.
        var column: String?

        init(_ row: Record) throws {
            name = try row.table()
            isAscending = try row.bool("is_ascending")
            cycles = try row.bool("seqcycle")
            isReadable = try row.bool("is_readable")
            table = try row.tableIfAny("table_schema", name: "table_name")
            column = try row.optionalText("attname")
        }
    }

    /// Every sequence of the database, for each column that uses it.
    private static func find(_ session: Session) throws -> [Use] {
        try session.query(
            """
            select n.nspname, s.relname, q.seqincrement > 0 as is_ascending,
              tn.nspname as table_schema, t.relname as table_name, a.attname,
              pg_catalog.has_sequence_privilege(s.oid, 'select')
                and pg_catalog.has_schema_privilege(n.oid, 'usage') as is_readable, q.seqcycle
            from pg_catalog.pg_class s
            join pg_catalog.pg_namespace n on n.oid = s.relnamespace
            join pg_catalog.pg_sequence q on q.seqrelid = s.oid
            left join lateral (
              select d.refobjid as relid, d.refobjsubid as attnum
              from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = s.oid
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.deptype in ('a', 'i') and d.refobjsubid > 0
              union all
              select f.adrelid, f.adnum
              from pg_catalog.pg_depend d
              join pg_catalog.pg_attrdef f on f.oid = d.objid
              where d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.refobjid = s.oid) u on true
            left join pg_catalog.pg_class t on t.oid = u.relid
            left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
            left join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = u.attnum
              and a.atttypid in (20, 21, 23)
            where s.relkind = 'S' and s.relpersistence = 'p'
              and n.nspname not in ('pg_catalog', 'information_schema', 'leat')
              and not exists (select from pg_catalog.pg_depend e
                where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and e.objid = s.oid and e.deptype = 'e')
            order by 1, 2, 4, 5, 6
            """
        ).records.map(Use.init)
    }

    /// The same under the target's names. One that a column of a renamed table owns there, and that is
    /// not under the name that the rules give it, went with its table.
    static func renamed(
        _ sources: [Source], by rules: RenameRules, besides routes: [TableRoute],
        on session: Session
    ) throws -> [Source] {
        guard !rules.isEmpty else { return sources }
        let routes = Dictionary(
            routes.map { ($0.source, $0) }, uniquingKeysWith: { first, _ in first })
        return try sources.map { source in
            var source = source
            source.name = rules.target(of: source.name)
            guard let owner = source.owner, let route = routes[owner.table] else { return source }
            source.owner = (route.target, route.column(owner.column))
            if let own = try sequence(
                ofColumn: route.column(owner.column), in: route.target, unless: source.name,
                on: session)
            {
                source.name = own
            }
            return source
        }
    }

    /// - Parameter name: If there is a sequence of this name, it is the one.
    private static func sequence(
        ofColumn column: String, in table: TableName, unless name: TableName, on session: Session
    ) throws -> TableName? {
        try session.query(
            """
            select n.nspname, c.relname
            from pg_catalog.pg_depend d
            join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and d.deptype in ('a', 'i') and a.attname = $1
              and d.refobjid = pg_catalog.to_regclass($2)
              and pg_catalog.to_regclass($3) is null
            order by 1, 2 limit 1
            """, with: [column, table.listed, name.listed]
        ).firstRecord?.table()
    }

    /// - Returns: How many sequences were set, and those that could not be.
    static func write(
        _ sources: [Source], on session: Session
    ) throws -> (set: Int, skipped: [Skipped]) {
        var done = Set<TableName>()
        var skipped: [Skipped] = []
        for source in sources {
            if let reason = try obstacle(to: source, on: session) {
                if skipped.last?.name != source.name {
                    skipped.append(Skipped(name: source.name, reason: reason))
                }
                continue
            }
            try set(source, on: session, isFirst: done.insert(source.name).inserted)
        }
        return (done.count, skipped)
    }

    /// Why a sequence of the target cannot be set; nil if it can.
    private static func obstacle(to source: Source, on session: Session) throws -> String? {
        let row = try session.query(
            """
            select pg_catalog.has_sequence_privilege(c.oid, 'update')
                and pg_catalog.has_sequence_privilege(c.oid, 'select')
                and pg_catalog.has_schema_privilege(n.oid, 'usage') as may_set,
              $3::pg_catalog.int8 between q.seqmin and q.seqmax as is_within
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            join pg_catalog.pg_sequence q on q.seqrelid = c.oid
            where n.nspname = $1 and c.relname = $2 and c.relkind = 'S'
            """, with: [source.name.schema, source.name.name, source.lastValue]
        ).firstRecord
        guard let row else { return "it is missing on the target" }
        guard try row.bool("may_set") else { return "SELECT and UPDATE on it are not granted" }
        return try row.bool("is_within")
            ? nil : "its value on the source is beyond its bounds on the target"
    }

    /// A sequence that several columns use is first set to the source's value, then moved on by
    /// each of them.
    private static func set(_ source: Source, on session: Session, isFirst: Bool) throws {
        if isFirst {
            try session.query(
                """
                select pg_catalog.setval($1::pg_catalog.regclass, $2::pg_catalog.int8,
                  $3::pg_catalog.bool)
                """, with: [source.name.listed, source.lastValue, "\(source.isCalled)"])
        }
        guard let owner = source.owner, !source.cycles else { return }
        let column = SQLText.identifier(owner.column)
        let (end, beyond) = source.isAscending ? ("max", ">") : ("min", "<")
        try session.query(
            """
            select pg_catalog.setval($1::pg_catalog.regclass, m.value, true)
            from pg_catalog.pg_sequence q, \(source.name.quoted) s,
              lateral (select pg_catalog.\(end)(\(column)::pg_catalog.int8) as value
                from \(owner.table.quoted)
                where \(column) between q.seqmin and q.seqmax) m
            where q.seqrelid = $1::pg_catalog.regclass
              and (m.value operator(pg_catalog.\(beyond)) s.last_value
                or (m.value operator(pg_catalog.=) s.last_value and not s.is_called))
            """, with: [source.name.listed])
    }
}
