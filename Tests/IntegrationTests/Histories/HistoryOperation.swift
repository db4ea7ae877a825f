/// One step of a transaction: a statement, or some that belong together.
///
/// None of them fails, whatever the tables hold: an insert looks first whether its keys are free,
/// a key moves only where nobody is.
indirect enum HistoryOperation: Sendable, Equatable {
    struct Assignment: Sendable, Equatable {
        var column: String
        var literal: String
    }

    /// Rows of a table.
    enum Rows: Sendable, Equatable {
        /// All that have these values.
        case equal([Assignment])
        /// One of them, where there are several.
        case one([Assignment])
        case between(column: String, ClosedRange<Int>)
        /// A third of them, by a column's hash.
        case third(column: String, Int)
        case all
    }

    struct Insert: Sendable, Equatable {
        var table: String
        var row: [Assignment]
        /// The columns of its unique constraints.
        var keys: [[String]]
        var isOverriding = false
        var condition: String?
        /// Not one row, but one for every `i`.
        var series: ClosedRange<Int>?
    }

    case insert(Insert)
    case upsert(Insert)
    case update(table: String, [Assignment], Rows)
    /// Sets every column to itself.
    case touch(table: String, column: String, Rows)
    /// A row of which these columns had some values gets others, if no row has those.
    case moveKey(table: String, from: [Assignment], to: [Assignment])
    /// What has one value gets the other, and the reverse, by way of a spare one.
    case swap(table: String, column: String, String, String, spare: String)
    /// The same of two rows of a table whose constraint is deferred, without the spare value.
    case deferredSwap(table: String, key: String, column: String, String, String)
    /// Each of some rows gets a value that no other has, or the same one written otherwise.
    case rewrite(table: String, column: String, String, Rows)
    case delete(table: String, Rows)
    /// Deletes and inserts.
    case replace(Insert)
    /// A row that refers to another which comes after it.
    case childFirst(order: String, line: String)
    case truncate([String], restartsIdentity: Bool, cascades: Bool)
    case bulkInsert(table: String, columns: [Assignment], key: String, ClosedRange<Int>)
    case bulkUpdate(table: String, Assignment, key: String, ClosedRange<Int>)
    case savepoint(name: String, [HistoryOperation], isRolledBack: Bool)
    /// What the publications do not send.
    case unpublished
    case message(isTransactional: Bool)
}

// MARK: SQL

extension HistoryOperation {
    /// Each ends with a semicolon.
    var sql: String { statements.map { $0 + ";" }.joined(separator: "\n") }

    /// One after the other; each may stand in a transaction of its own, but for a savepoint's.
    var statements: [String] {
        switch self {
        case .insert(let insert):
            [insert.sql]
        case .upsert(let insert):
            [insert.upsertSQL]
        case .update(let table, let assignments, let rows):
            ["update \(table) set \(Self.list(assignments))\(rows.condition(table))"]
        case .touch(let table, let column, let rows):
            ["update \(table) set \(column) = \(column)\(rows.condition(table))"]
        case .moveKey(let table, let from, let to):
            [Self.move(table, from, to)]
        case .rewrite(let table, let column, let value, let rows):
            [Self.rewrite(table, column, value, rows)]
        case .swap(let table, let column, let first, let second, let spare):
            [(first, spare), (second, first), (spare, second)].map { old, new in
                "update \(table) set \(column) = \(new) where \(column) = \(old)"
            }
        case .deferredSwap(let table, let key, let column, let first, let second):
            [Self.deferredSwap(table, key, column, first, second)]
        case .delete(let table, let rows):
            ["delete from \(table)\(rows.condition(table))"]
        case .replace(let insert):
            ["delete from \(insert.table)\(insert.sameKey.condition(insert.table))", insert.sql]
        case .childFirst(let order, let line):
            Self.childFirst(order, line)
        case .truncate(let tables, let restartsIdentity, let cascades):
            Self.truncate(tables, restartsIdentity, cascades)
        case .bulkInsert(let table, let columns, let key, let range):
            [Self.bulkInsert(table, columns, key, range)]
        case .bulkUpdate(let table, let assignment, let key, let range):
            [
                "update \(table) set \(Self.list([assignment])) "
                    + "where \(key) between \(range.lowerBound) and \(range.upperBound)"
            ]
        case .savepoint(let name, let operations, let isRolledBack):
            ["savepoint \(name)"] + operations.flatMap(\.statements)
                + [isRolledBack ? "rollback to \(name)" : "release \(name)"]
        case .unpublished:
            ["insert into unpublished values (1)"]
        case .message(let isTransactional):
            ["select pg_logical_emit_message(\(isTransactional), 'history', 'said')"]
        }
    }

    private static func list(_ assignments: [Assignment]) -> String {
        assignments.map { "\($0.column) = \($0.literal)" }.joined(separator: ", ")
    }

    private static func move(_ table: String, _ from: [Assignment], _ to: [Assignment]) -> String {
        let old = from.map { "t.\($0.column) = \($0.literal)" }.joined(separator: " and ")
        // Columns that keep their value count too.
        let new = from.map { old in
            let literal = to.first { $0.column == old.column }?.literal ?? old.literal
            return "o.\(old.column) = \(literal)"
        }.joined(separator: " and ")
        return """
            update \(table) t set \(list(to)) where \(old) and not exists (
              select from \(table) o
              where \(new) and (o.tableoid, o.ctid) <> (t.tableoid, t.ctid))
            """
    }

    private static func rewrite(
        _ table: String, _ column: String, _ value: String, _ rows: Rows
    ) -> String {
        let value = value.replacing("t.c", with: "t.\(column)")
        return """
            update \(table) t set \(column) = \(value)\(rows.condition(table)) and not exists (
              select from \(table) o
              where o.\(column) = \(value) and (o.tableoid, o.ctid) <> (t.tableoid, t.ctid))
            """
    }

    private static func deferredSwap(
        _ table: String, _ key: String, _ column: String, _ first: String, _ second: String
    ) -> String {
        """
        do $$ declare a int; b int; begin
          select \(column) into a from \(table) where \(key) = \(first);
          select \(column) into b from \(table) where \(key) = \(second);
          if a is not null and b is not null then
            update \(table) set \(column) = b where \(key) = \(first);
            update \(table) set \(column) = a where \(key) = \(second);
          end if;
        end $$
        """
    }

    private static func childFirst(_ order: String, _ line: String) -> [String] {
        [
            """
            insert into lines (id, order_id, v) select \(line), \(order), 9
              where not exists (select from lines where id = \(line))
            """,
            """
            insert into orders (id, v) select \(order), 'late'
              where not exists (select from orders where id = \(order))
            """,
        ]
    }

    /// A table with checks that are still to come cannot be truncated.
    private static func truncate(
        _ tables: [String], _ restartsIdentity: Bool, _ cascades: Bool
    ) -> [String] {
        [
            "set constraints all immediate",
            "truncate \(tables.joined(separator: ", "))"
                + (restartsIdentity ? " restart identity" : "") + (cascades ? " cascade" : ""),
            "set constraints all deferred",
        ]
    }

    private static func bulkInsert(
        _ table: String, _ columns: [Assignment], _ key: String, _ range: ClosedRange<Int>
    ) -> String {
        let names = ([key] + columns.map(\.column)).joined(separator: ", ")
        let values = (["i"] + columns.map(\.literal)).joined(separator: ", ")
        return """
            insert into \(table) (\(names)) select \(values)
            from generate_series(\(range.lowerBound), \(range.upperBound)) i
            where not exists (select from \(table) t where t.\(key) = i)
            """
    }
}

extension HistoryOperation.Rows {
    fileprivate func condition(_ table: String) -> String {
        switch self {
        case .equal(let values):
            " where \(equal(values))"
        case .one(let values):
            """
             where (tableoid, ctid) = (
              select tableoid, ctid from \(table) where \(equal(values)) limit 1)
            """
        case .between(let column, let range):
            " where \(column) between \(range.lowerBound) and \(range.upperBound)"
        case .third(let column, let remainder):
            " where abs(hashtext(\(column)::text)) % 3 = \(remainder)"
        case .all:
            ""
        }
    }

    private func equal(_ values: [HistoryOperation.Assignment]) -> String {
        values.map { value in
            value.literal.hasPrefix("null::")
                ? "\(value.column) is null" : "\(value.column) = \(value.literal)"
        }.joined(separator: " and ")
    }
}

extension HistoryOperation.Insert {
    private var names: String { row.map(\.column).joined(separator: ", ") }
    private var values: String { row.map(\.literal).joined(separator: ", ") }

    private var source: String {
        guard let series else { return "values (\(values))" }
        return "select \(values) from generate_series"
            + "(\(series.lowerBound), \(series.upperBound)) i"
    }

    /// Inserts nothing where one of its keys is taken.
    fileprivate var sql: String {
        let free = keys.map { key in
            let same = key.map { "t.\($0) = v.\($0)" }.joined(separator: " and ")
            return "not exists (select from \(table) t where \(same))"
        }
        let conditions = free + (condition.map { [$0] } ?? [])
        let overriding = isOverriding ? " overriding system value" : ""
        return "insert into \(table) (\(names))\(overriding) "
            + "select v.* from (\(source)) v (\(names))"
            + (conditions.isEmpty ? "" : " where \(conditions.joined(separator: " and "))")
    }

    fileprivate var upsertSQL: String {
        let key = keys.first ?? []
        let sets = row.map(\.column).filter { !key.contains($0) }.map { "\($0) = excluded.\($0)" }
        return "insert into \(table) (\(names)) values (\(values)) on conflict "
            + "(\(key.joined(separator: ", "))) do update set \(sets.joined(separator: ", "))"
    }

    fileprivate var sameKey: HistoryOperation.Rows {
        let key = keys.first ?? []
        return .equal(row.filter { key.contains($0.column) })
    }
}
