public import PGWire

/// One prepared statement that applies changes of one shape to one table.
public struct ChangeStatement: Sendable, Equatable {
    /// Where a parameter comes from: a column of the old or of the new tuple.
    public struct Parameter: Sendable, Equatable {
        public var isOld: Bool
        public var column: Int
    }

    public var sql: String
    public var types: [UInt32]
    public var parameters: [Parameter]

    /// The same of an UPDATE or DELETE, for which the server itself sees to it that exactly one row
    /// is met: otherwise it fails, with a division by zero.
    public var guarded: ChangeStatement {
        let sql = """
            with met as (\(sql) returning 1) \
            select 1 / (pg_catalog.count(*) = 1)::pg_catalog.int4 from met
            """
        return ChangeStatement(sql: sql, types: types, parameters: parameters)
    }
}

/// Writes the SQL of a ``ChangeStatement``, numbering its parameters.
struct StatementWriter {
    let plan: RelationPlan
    var types: [UInt32] = []
    var parameters: [ChangeStatement.Parameter] = []

    mutating func parameter(_ column: Int, isOld: Bool) -> String {
        parameters.append(.init(isOld: isOld, column: column))
        types.append(plan.columns[column].typeOID)
        return "$\(parameters.count)"
    }

    func name(_ column: Int) -> String { SQLText.identifier(plan.columns[column].name) }

    func statement(_ sql: String) -> ChangeStatement {
        ChangeStatement(sql: sql, types: types, parameters: parameters)
    }

    /// The condition that finds the row. `isOld`: which tuple holds the identity's values.
    mutating func condition(isOld: Bool) -> String {
        switch plan.identity {
        case .key(let columns, let operators):
            return keyCondition(on: columns, by: operators, isOld: isOld)
        case .record(let columns):
            return rowAddress(recordCondition(columns, isOld: isOld))
        case .full(let key, let operators):
            var conditions: [String] = []
            if !key.isEmpty {
                conditions.append(keyCondition(on: key, by: operators, of: "t.", isOld: isOld))
            }
            conditions.append(recordCondition(plan.written, isOld: isOld))
            return rowAddress(conditions.joined(separator: " and "))
        }
    }

    private mutating func keyCondition(
        on columns: [Int], by operators: [String], of prefix: String = "", isOld: Bool
    ) -> String {
        var conditions: [String] = []
        for (column, equals) in zip(columns, operators) {
            let value = parameter(column, isOld: isOld)
            let cast = plan.columns[column].comparisonCast
            conditions.append("\(prefix)\(name(column))\(cast) \(equals) \(value)\(cast)")
        }
        return conditions.joined(separator: " and ")
    }

    /// `*=` compares the bytes: `=` would take 1.0 for 1.00, and json has none.
    private mutating func recordCondition(_ columns: [Int], isOld: Bool) -> String {
        let values = columns.map { parameter($0, isOld: isOld) }
        let names = columns.map { "t.\(name($0))" }
        return quickConditions(on: columns, named: names, equal: values) + """
            row(\(names.joined(separator: ", ")))::pg_catalog.record \
            operator(pg_catalog.*=) row(\(values.joined(separator: ", ")))::pg_catalog.record
            """
    }

    /// Records are costly to make and compare, for each row that is looked at. Most rows differ in
    /// a column that is not: of some types, values of the same bytes are always equal.
    private func quickConditions(
        on columns: [Int], named names: [String], equal values: [String]
    ) -> String {
        let quick = columns.indices.filter {
            StatementWriter.quickTypes.contains(plan.columns[columns[$0]].typeOID)
        }
        return quick.prefix(StatementWriter.mostQuick).map {
            "\(names[$0]) is not distinct from \(values[$0]) and "
        }.joined()
    }

    private static let mostQuick = 4

    /// `bool`, `bytea`, `int8`, `int2`, `int4`, `text`, `oid`, `float4`, `float8`, `bpchar`,
    /// `varchar`, `date`, `time`, `timestamp`, `timestamptz`, `numeric`, `uuid`.
    static let quickTypes: Set<UInt32> = [
        16, 17, 20, 21, 23, 25, 26, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1700, 2950,
    ]

    /// Addresses exactly one of the rows that match: duplicates are one row each.
    private func rowAddress(_ condition: String) -> String {
        let table = "\(plan.target.only)\(plan.target.name.quoted)"
        switch plan.target.kind {
        case .ordinary:
            return "ctid = (select t.ctid from \(table) t where \(condition) limit 1)"
        case .partitioned:
            // The same ctid is another row in another partition.
            return """
                (tableoid, ctid) = \
                (select t.tableoid, t.ctid from \(table) t where \(condition) limit 1)
                """
        }
    }
}

extension RelationPlan {
    public func insert() -> ChangeStatement {
        var writer = StatementWriter(plan: self)
        guard !written.isEmpty else {
            return writer.statement("insert into \(target.name.quoted) default values")
        }
        let values = written.map { writer.parameter($0, isOld: false) }
        let names = written.map { writer.name($0) }
        return writer.statement(
            """
            insert into \(target.name.quoted) (\(names.joined(separator: ", "))) \
            overriding system value values (\(values.joined(separator: ", ")))
            """)
    }

    /// - Parameters:
    ///   - old: Which old tuple came with the change.
    ///   - unchanged: Columns whose value was not sent (unchanged TOAST): they are left alone.
    /// - Returns: Nil if the update has nothing that could be set.
    public func update(old: Change.OldTuple, unchanged: [Int]) -> ChangeStatement? {
        var writer = StatementWriter(plan: self)
        var assignments: [String] = []
        for column in written
        where !unchanged.contains(column) && !columns[column].isIdentityAlways {
            let value = writer.parameter(column, isOld: false)
            assignments.append("\(writer.name(column)) = \(value)")
        }
        guard !assignments.isEmpty else { return nil }
        var condition = writer.condition(isOld: old != .none)
        // Such a column cannot be written, so it must not have changed: else no row is found,
        // which is noticed.
        for column in identityAlways where !isKey(column) && !unchanged.contains(column) {
            let value = writer.parameter(column, isOld: false)
            condition += " and \(writer.name(column)) is not distinct from \(value)"
        }
        return writer.statement(
            """
            update \(target.only)\(target.name.quoted) \
            set \(assignments.joined(separator: ", ")) where \(condition)
            """)
    }

    private func isKey(_ column: Int) -> Bool { relation.columns[column].isKey }

    /// Finds and locks the row of an update or delete, where the target may leave the change out:
    /// the change's own count does not tell that from a row that is missing.
    public func find(old: Change.OldTuple) -> ChangeStatement {
        var writer = StatementWriter(plan: self)
        let condition = writer.condition(isOld: old != .none)
        return writer.statement(
            """
            select 1 from \(target.only)\(target.name.quoted) where \(condition) for update
            """)
    }

    public func delete() -> ChangeStatement {
        var writer = StatementWriter(plan: self)
        let condition = writer.condition(isOld: true)
        return writer.statement(
            "delete from \(target.only)\(target.name.quoted) where \(condition)")
    }
}
