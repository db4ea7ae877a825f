internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// What is checked before anything is created: a start that cannot work says so at once, and
/// all of it.
enum Preflight {
    /// The ways of tables to the target.
    struct Ways: Sendable {
        var plans: [TableName: RelationPlan]
        /// What is wrong with tables that the stream follows already.
        var later: [TableName: Halt]
        /// Under the names that they have on the target.
        var sourceTypes: TypeCatalog
        var targetTypes: TypeCatalog
    }

    /// What is known of a table that the stream follows already.
    struct Followed: Sendable {
        var columns = KnownColumns()
        var definitions: KnownDefinitions?
    }

    /// Every table's way to the target.
    ///
    /// - Parameters:
    ///   - followed: Tables that the stream follows already. What is still to come may be older
    ///     than the source's definition of now, so the stream itself finds out, change by change,
    ///     what fits.
    ///   - copied: Tables that were followed, and are copied anew: which columns they had.
    ///   - remade: Tables whose name another table had, which was followed.
    ///   - isEmptied: Whether the rows of what is copied go first, whoever's they are; those of
    ///     `copied` and `remade` are the stream's own.
    ///   - dump: What makes tables that are missing.
    /// - Throws: One ``Halt`` (exit code 6) with all that is wrong with the others.
    static func ways(
        of tables: [SourceTable], sourceTypes: TypeCatalog, renamedBy rules: RenameRules,
        target session: Session,
        followed: [TableName: Followed], copied: [TableName: KnownColumns] = [:],
        remade: Set<TableName> = [], isEmptied: Bool = false, dump: SchemaCommand? = nil
    ) throws -> Ways {
        let targetTypes = try session.typeCatalog()
        let sourceTypes = sourceTypes.renamed(by: rules, on: targetTypes)
        var plans: [TableName: RelationPlan] = [:]
        var (problems, later, generated): ([Halt], [TableName: Halt], [Halt]) = ([], [:], [])
        let targets = try TargetTables.resolve(tables.map(\.target), on: session)
        for table in tables {
            // No change of the stream shows it.
            var unsent: Halt?
            var computed: Set<String> = []
            do {
                guard let target = try targets[table.target]?.get() else { continue }
                let generation = GeneratedColumns(
                    table: table, target: target, sourceTypes: sourceTypes, session: session)
                do {
                    try checkGenerated(of: table, on: target)
                    try generation.check()
                } catch let halt as Halt {
                    unsent = halt
                    computed = try generation.uncomputed()
                }
                let known = followed[table.name] ?? Followed()
                let routes = ColumnRoutes(
                    table.relation, source: table.columns, known: known.columns, target: target,
                    sighting: .init(earlier: known.definitions?.base), route: table.route)
                let isFollowed = followed[table.name] != nil
                func plan(isEmptied: Bool) throws(Halt) -> RelationPlan {
                    try RelationPlan(
                        relation: table.relation, sourceTypes: sourceTypes, target: target,
                        targetTypes: targetTypes, routes: routes,
                        retyping: known.definitions.map { Retyping(from: $0.base, to: $0.seen) }
                            ?? Retyping(),
                        isEmptied: isEmptied, computed: computed, checksLabels: !isFollowed)
                }
                let goes =
                    isEmptied || remade.contains(table.name) || copied[table.name] != nil
                do {
                    plans[table.name] = try plan(isEmptied: !isFollowed && goes)
                } catch {
                    if let halt = renames(
                        of: table, known: copied[table.name], sourceTypes: sourceTypes, on: target,
                        targetTypes: targetTypes)
                    {
                        throw halt
                    }
                    guard !isFollowed, !goes else { throw error }
                    throw try withoutRows(error, target: target, session: session) {
                        () throws(Halt) in try plan(isEmptied: true)
                    }
                }
                let leftOut = routes.leftOutColumns.sorted { $0.key < $1.key }
                guard leftOut.isEmpty else {
                    throw Halt.doubtful(
                        table.name, by: leftOut.map { .remadeOnTarget(column: $0.value) })
                }
            } catch let halt as Halt {
                let halt = try DependentViews.explain(halt, on: session)
                if followed[table.name] != nil {
                    later[table.name] =
                        try dump?.explain(halt, by: tables.map(\.route), on: session) ?? halt
                } else {
                    problems.append(
                        remade.contains(table.name) ? isAnother(table.name, halt: halt) : halt)
                }
            }
            if let unsent { generated.append(unsent.following(later[table.name])) }
        }
        problems += generated
        guard problems.isEmpty else {
            let missing = problems.flatMap(\.missing)
            let making =
                missing.isEmpty
                ? nil
                : try dump?.text(for: missing, by: tables.map(\.route), on: session)
            var halt = combined(problems, making: making)
            if !followed.isEmpty, problems.count == generated.count {
                halt.exitCode = .stoppedOnChange
            }
            throw halt
        }
        return Ways(
            plans: plans, later: later, sourceTypes: sourceTypes, targetTypes: targetTypes)
    }

    /// What a table that is copied anew owes in names, if its columns were renamed while it was
    /// followed: with those of now, types would be altered, and columns added, in vain.
    private static func renames(
        of table: SourceTable, known: KnownColumns?, sourceTypes: TypeCatalog,
        on target: TargetTable, targetTypes: TypeCatalog
    ) -> Halt? {
        guard let known else { return nil }
        let routes = ColumnRoutes(
            table.relation, source: table.columns, known: known, target: target,
            route: table.route)
        guard routes.ambiguous.isEmpty, !routes.mends.isEmpty else { return nil }
        do {
            _ = try RelationPlan(
                relation: table.relation, sourceTypes: sourceTypes, target: target,
                targetTypes: targetTypes, routes: routes, isEmptied: true)
            return nil
        } catch {
            return error
        }
    }

    /// Where no cast leads from a type of the target to the source's, its rows are in the way.
    private static func withoutRows(
        _ halt: Halt, target: TargetTable, session: Session,
        as plan: () throws(Halt) -> RelationPlan
    ) throws -> Halt {
        var other = halt
        do { _ = try plan() } catch { other = error }
        guard other.advice != halt.advice, try !TargetTables.isEmpty(target, on: session) else {
            return halt
        }
        var halt = halt
        halt.advice = """
            No cast leads to some of these types, and rows of the target are in the way. Start \
            with --truncate, which empties such tables: what it says then works.
            """
        return halt
    }

    private static func isAnother(_ table: TableName, halt: Halt) -> Halt {
        var halt = halt
        halt.message = """
            Table \(table) of the source is another one than was followed, dropped and made again: \
            it is copied anew, once the target's fits. \(halt.message)
            """
        return halt
    }

    /// A generated column is computed on the target too. As a plain one it would stay empty there.
    private static func checkGenerated(of table: SourceTable, on target: TargetTable) throws {
        let plain = table.unsentGenerated.filter { column in
            let name = table.route.column(column.name)
            return target.columns.contains { $0.name.isSameName(as: name) && !$0.isGenerated }
        }
        guard !plain.isEmpty else { return }
        let list = plain.map {
            "column \($0.name) is generated on the source and not sent, but plain on the target"
        }
        throw Halt(
            .stoppedOnChange, "Table \(table.name) does not fit: \(list.joined(separator: "; ")).",
            advice: plain.contains { $0.generation == .virtual }
                ? "Make it generated on the target too, or drop it there: it is virtual, and no "
                    + "publication can send it."
                : """
                Make it generated on the target too, or drop it there; a source of 18 or newer \
                can send it: --publication with one that has publish_generated_columns = stored.
                """)
    }

    /// - Parameter making: What makes tables that are missing, if that is known.
    static func combined(
        _ problems: [Halt], making: String? = nil
    ) -> Halt {
        let messages = NameList.lines(problems.map(\.message))
        // Of those that are written out.
        let known = problems.filter { problem in
            messages.contains(problem.message) && (making == nil || problem.missing.isEmpty)
        }
        var advice = Set(known.compactMap(\.advice)).sorted()
        if let making { advice.insert(making, at: 0) }
        return Halt(
            .preflight, messages.joined(separator: "\n"),
            advice: advice.isEmpty ? nil : advice.joined(separator: "\n"))
    }

    /// Tables to be copied must be empty, or are emptied if that was asked for.
    static func checkEmpty(_ tables: [TargetTable], on session: Session) throws {
        let stored = try TargetTables.withStorage(tables.map(\.name), on: session)
        let filled = try tables.filter {
            try stored.contains($0.name) && !TargetTables.isEmpty($0, on: session)
        }
        guard !filled.isEmpty else { return }
        let names = filled.map(\.name).sorted().map(\.description)
        throw Halt(
            .preflight, "Not empty on the target: \(NameList.text(names)).",
            advice: """
                Start with --truncate to empty them first, or with --no-copy if they hold all of \
                the source's rows already and nothing is written there until the stream flows.
                """)
    }

    /// `--truncate`: in one statement, because foreign keys may lead from one to another.
    ///
    /// TRUNCATE refuses tables that others outside the list refer to, whatever the role; DELETE
    /// under role `replica` does not look at foreign keys. Under others it does.
    ///
    /// - Parameter tables: Those that refer to others before those, where that matters.
    static func empty(_ tables: [TargetTable], on session: Session) throws {
        let stored = try TargetTables.withStorage(tables.map(\.name), on: session)
        let filled = tables.filter { stored.contains($0.name) }.map { $0.only + $0.name.quoted }
        // An empty table need not be locked, unless it refers to one of the others.
        if try truncate(filled, on: session) { return }
        if try truncate(tables.map { $0.only + $0.name.quoted }, on: session) { return }
        // Several statements at once are one transaction.
        let deletes = filled.map { "delete from \($0)" }.joined(separator: "; ")
        do { try session.execute(deletes) } catch { throw cannotEmpty(error) }
    }

    /// False if other tables refer to them.
    private static func truncate(_ names: [String], on session: Session) throws -> Bool {
        guard !names.isEmpty else { return true }
        do {
            try session.execute("truncate \(names.joined(separator: ", "))")
            return true
        } catch {
            guard error.sqlState == .featureNotSupported else { throw cannotEmpty(error) }
            return false
        }
    }

    private static func cannotEmpty(_ error: ConnectionError) -> any Error {
        guard error.code == .server else { return error }
        if error.sqlState == .outOfMemory {
            return Halt(
                .target, "The target has no room for locks on the tables that are to be emptied.",
                advice: """
                    Raise max_locks_per_transaction there (times max_connections it is the number \
                    of locks) and restart it, or empty the tables yourself, some at a time.
                    """)
        }
        return Halt(
            .target, "The target's tables cannot be emptied: \(error).",
            advice: """
                Empty them and what refers to them yourself, or grant truncate and delete on them.
                """)
    }

    /// - Throws: ``Halt`` if the source role may not read a table that is to be copied, or not all
    ///   of its rows.
    static func checkReadable(_ tables: [SourceTable], on session: Session) throws {
        let rows = try session.query(
            """
            select c.oid, pg_catalog.has_table_privilege(c.oid, 'select')
                and pg_catalog.has_schema_privilege(c.relnamespace, 'usage') as is_readable,
              pg_catalog.row_security_active(c.oid) as is_secured
            from pg_catalog.pg_class c
            where c.oid = any (\(SQLText.oidArray(tables.map(\.relation.id.rawValue))))
            """
        ).records
        let found = Dictionary(
            try rows.map { (try $0.relation("oid"), $0) }, uniquingKeysWith: { first, _ in first })
        func names(_ isBad: (Record?) throws -> Bool) rethrows -> [TableName] {
            try tables.filter { try isBad(found[$0.relation.id]) }.map(\.name)
        }
        let unreadable = try names { try $0?.bool("is_readable") != true }
        let secured = try names { try $0?.bool("is_secured") == true }
        let role = try session.role()
        guard unreadable.isEmpty else { throw notReadable(unreadable, by: role) }
        guard secured.isEmpty else {
            throw Halt(
                .preflight,
                """
                Policies of row-level security apply to the source role and hide rows of \
                \(NameList.text(secured.map(\.quoted))).
                """,
                advice: "On the source:\nalter role \(role) bypassrls;")
        }
    }

    /// - Parameter role: Quoted.
    private static func notReadable(_ tables: [TableName], by role: String) -> Halt {
        let grants = GrantText.statements("select", on: tables, kind: "table", to: role)
        return Halt(
            .preflight, "The source role may not read \(NameList.text(tables.map(\.quoted))).",
            advice: (["On the source:"] + grants).joined(separator: "\n"))
    }

    /// Whether the stream can be binary, which was wished for.
    static func usesBinary(
        _ wanted: SyncConfiguration.Binary, for plans: [TableName: RelationPlan],
        safety: BinarySafety
    ) throws -> Bool {
        let unsafe = plans.values.flatMap { safety.unsafeColumns($0) }.sorted()
        guard wanted == .on, !unsafe.isEmpty else { return unsafe.isEmpty }
        throw Halt(
            .preflight,
            "Binary form is not safe for: \(unsafe.joined(separator: ", ")).",
            advice: "Use --binary auto (the default), or off.")
    }
}

extension Halt {
    /// The same where an expression may need columns that the stream has still to come to: what
    /// makes them on the target goes before.
    fileprivate func following(_ later: Halt?) -> Halt {
        guard let later, let first = later.advice else { return self }
        var halt = self
        halt.message = "\(later.message)\n\(message)"
        halt.advice = [first, advice].compactMap { $0 }.joined(separator: "\n")
        return halt
    }
}
