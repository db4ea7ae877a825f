internal import LeatCatalogs
public import LeatCore
public import PGClient

/// Reads and clears `leat.conflicts` for `leat conflicts`.
public struct ConflictBook: Sendable {
    /// Which conflicts are meant; what is empty leaves the choice open.
    public struct Filter: Sendable {
        public var stream: StreamName?
        public var tables: [TablePattern] = []
        public var kinds: [ConflictKind] = []

        public init(
            stream: StreamName? = nil, tables: [TablePattern] = [], kinds: [ConflictKind] = []
        ) {
            self.stream = stream
            self.tables = tables
            self.kinds = kinds
        }
    }

    private let target: Conninfo
    private let filter: Filter

    public init(target: Conninfo, filter: Filter) {
        self.target = target
        self.filter = filter
    }

    /// - Returns: How many there are, and the latest of them, the oldest first.
    /// - Throws: ``Halt``.
    public func list(limit: Int) async throws -> (total: Int, conflicts: [RecordedConflict]) {
        try await withSession { session in
            guard let condition = try condition(session) else { return (0, []) }
            return (
                try count(where: condition, on: session),
                try rows(where: condition, limit: limit, on: session)
            )
        }
    }

    /// - Parameter confirm: Asked once, with the number of those that will go, if there are any.
    /// - Returns: How many are gone; nil if it was not confirmed.
    /// - Throws: ``Halt``.
    public func clear(confirm: @Sendable (Int) -> Bool) async throws -> Int? {
        try await withSession { session in
            guard let condition = try condition(session) else { return 0 }
            try TrustedSchema.check(session)
            // Those that come while somebody is asked stay.
            let last = try session.query(
                "select coalesce(max(c.id), 0) as id from leat.conflicts c"
            ).onlyRecord().int("id")
            let found = "\(condition) and c.id <= \(last)"
            let number = try count(where: found, on: session)
            guard number > 0 else { return 0 }
            guard confirm(number) else { return nil }
            return try session.query("delete from leat.conflicts c where \(found)").affectedRows
        }
    }

    private func withSession<Value: Sendable>(
        _ body: @Sendable (Session) throws -> Value
    ) async throws -> Value {
        try await Connection.with(target, peer: .target, command: "leat conflicts", do: body)
    }

    // MARK: Queries

    /// Nil if nothing can be found.
    private func condition(_ session: Session) throws -> String? {
        guard try LeatSchema.isPresent("leat.conflicts", on: session) else { return nil }
        var conditions = ["true"]
        if let stream = filter.stream {
            conditions.append("c.stream = \(SQLText.literal(stream.text))")
        }
        if !filter.kinds.isEmpty {
            conditions.append("c.kind = any (\(SQLText.textArray(filter.kinds.map(\.rawValue))))")
        }
        if !filter.tables.isEmpty {
            let tables = try matching(session)
            // Of several arrays at once only under its bare name.
            conditions.append(
                """
                (c.schema_name, c.table_name) in (select f.s, f.t from unnest(
                  \(SQLText.textArray(tables.map(\.schema))),
                  \(SQLText.textArray(tables.map(\.name)))) as f (s, t))
                """)
        }
        return conditions.joined(separator: " and ")
    }

    private func matching(_ session: Session) throws -> [TableName] {
        try session.query("select distinct c.schema_name, c.table_name from leat.conflicts c")
            .records.map { try $0.table("schema_name", name: "table_name") }
            .filter { table in filter.tables.contains { $0.matches(table) } }
    }

    private func count(where condition: String, on session: Session) throws -> Int {
        try session.query(
            "select pg_catalog.count(*) as number from leat.conflicts c where \(condition)"
        ).onlyRecord().int("number")
    }

    private func rows(
        where condition: String, limit: Int, on session: Session
    ) throws -> [RecordedConflict] {
        try session.query(
            """
            select c.id, c.stream, \(SQLTime.rfc3339("c.time")) as time, c.lsn, c.xid,
              c.schema_name, c.table_name, c.kind, c.policy,
              pg_catalog.array_to_json(c.key_columns) as key_columns,
              pg_catalog.array_to_json(c.key_values) as key_values, c.constraint_name, c.message,
              pg_catalog.to_jsonb(c) ->> 'target_schema' as target_schema,
              pg_catalog.to_jsonb(c) ->> 'target_table' as target_table
            from leat.conflicts c where \(condition)
            order by c.id desc limit \(limit)
            """
        ).records.reversed().map(RecordedConflict.init)
    }

    /// How many of each kind a stream has, by the kind's name.
    static func counts(_ session: Session, stream: String) throws -> [String: Int] {
        guard try LeatSchema.isPresent("leat.conflicts", on: session) else { return [:] }
        let rows = try session.query(
            """
            select c.kind, pg_catalog.count(*) as number from leat.conflicts c
            where c.stream = $1 group by 1
            """, with: [stream]
        ).records
        return Dictionary(
            uniqueKeysWithValues: try rows.map { (try $0.text("kind"), try $0.int("number")) })
    }
}

extension RecordedConflict {
    fileprivate init(_ row: Record) throws {
        self.init(
            id: try row.int("id"), stream: try row.text("stream"), time: try row.text("time"),
            lsn: try row.text("lsn"), xid: try row.int("xid"),
            schemaName: try row.text("schema_name"), tableName: try row.text("table_name"),
            targetSchemaName: try row.optionalText("target_schema"),
            targetTableName: try row.optionalText("target_table"),
            kind: try row.text("kind"), policy: try row.text("policy"),
            keyColumns: try row.strings("key_columns"),
            keyValues: try row.optionalStringsWithNulls("key_values"),
            constraintName: try row.optionalText("constraint_name"),
            message: try row.optionalText("message"))
    }
}
