import Foundation

/// The number of a table's rows, and a hash over them that does not depend on their order.
public struct TableHash: Equatable, Sendable, CustomStringConvertible {
    public let rows: Int
    public let hash: String

    public var description: String { "\(rows) rows, \(hash)" }
}

/// SQL through `psql`: a judge that shares nothing with Leat's own client.
extension TemporaryCluster {
    private static let fieldSeparator = "\u{1F}"
    private static let recordSeparator = "\u{1E}"
    private static let nullMarker = "\u{1}NULL\u{1}"

    // MARK: Connection strings

    /// A connection string over TCP.
    public func conninfo(database: String = "postgres", user: String = "postgres") -> String {
        conninfo(host: "127.0.0.1", database: database, user: user)
    }

    /// A connection string over the Unix socket.
    public func socketConninfo(database: String = "postgres", user: String = "postgres") -> String {
        conninfo(host: folder, database: database, user: user)
    }

    /// A connection URI over TCP.
    public func uri(database: String = "postgres", user: String = "postgres") -> String {
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let (user, database) = (
            user.addingPercentEncoding(withAllowedCharacters: allowed) ?? user,
            database.addingPercentEncoding(withAllowedCharacters: allowed) ?? database
        )
        return "postgresql://\(user)@127.0.0.1:\(port)/\(database)"
    }

    private func conninfo(host: String, database: String, user: String) -> String {
        [("host", host), ("port", String(port)), ("user", user), ("dbname", database)]
            .map { name, value in
                let plain = value.allSatisfy { $0.isLetter || $0.isNumber || "-._/".contains($0) }
                let escaped = value.unicodeScalars
                    .map { "'\\".unicodeScalars.contains($0) ? "\\\($0)" : String($0) }.joined()
                return plain && !value.isEmpty ? "\(name)=\(value)" : "\(name)='\(escaped)'"
            }
            .joined(separator: " ")
    }

    // MARK: Statements

    /// Runs SQL and returns the rows of its result; nil is NULL.
    ///
    /// Several statements run in one transaction unless they say otherwise; at most one of them may
    /// return rows. Dates, numbers and byte strings are shown in a fixed form, whatever the settings
    /// of the database or the role.
    ///
    /// - Throws: ``TestSupportError`` with the server's message.
    @discardableResult
    public func sql(
        _ text: String,
        database: String = "postgres",
        user: String = "postgres",
        timeout: Duration = .patience
    ) async throws -> [[String?]] {
        // Databases of one server share the rows that hold roles' rights on parameters: two tests
        // that grant at once may meet, and the later one's transaction did nothing.
        let output = try await retrying(on: "tuple concurrently updated") {
            try await psql(["-c", text], database: database, user: user, timeout: timeout)
        }
        return Self.rows(of: output)
    }

    private func retrying(
        on message: String, _ body: () async throws -> String
    ) async throws -> String {
        for _ in 0..<50 {
            do { return try await body() } catch let error as TestSupportError {
                guard error.description.contains(message) else { throw error }
            }
        }
        return try await body()
    }

    /// What `psql` printed of a result.
    static func rows(of output: String) -> [[String?]] {
        guard !output.isEmpty else { return [] }
        return output.dropLast().split(
            separator: recordSeparator, omittingEmptySubsequences: false
        ).map { record in
            record.split(separator: fieldSeparator, omittingEmptySubsequences: false).map {
                $0 == nullMarker ? nil : String($0)
            }
        }
    }

    /// The first column of the first row; nil is NULL or no row.
    public func scalar(
        _ text: String,
        database: String = "postgres",
        user: String = "postgres",
        timeout: Duration = .patience
    ) async throws -> String? {
        let rows = try await sql(text, database: database, user: user, timeout: timeout)
        return rows.first?.first ?? nil
    }

    /// Runs a `psql` script, each statement a transaction of its own; meta-commands work.
    ///
    /// - Returns: What it printed, unaligned.
    @discardableResult
    public func run(
        script: String,
        database: String = "postgres",
        user: String = "postgres",
        timeout: Duration = .patience
    ) async throws -> String {
        let path = TemporaryFolder.outputPath("script")
        try Data(script.utf8).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        return try await psql(["-f", path], database: database, user: user, timeout: timeout)
    }

    /// Creates a database from `template0`.
    ///
    /// - Parameters:
    ///   - name: Its name; one that no other has by default.
    ///   - options: More of the statement, for example `encoding 'LATIN1'`.
    /// - Returns: The name.
    @discardableResult
    public func createDatabase(
        _ name: String = "db_\(UInt32.random(in: 0...UInt32.max))", options: String = ""
    ) async throws -> String {
        try await sql("create database \(quoted(name)) template template0 \(options)")
        return name
    }

    /// Polls until a statement's first value is `value`.
    ///
    /// A statement that fails counts as not yet: the server may be restarting.
    ///
    /// - Throws: ``TestSupportError`` with the last value or error when the deadline passes.
    public func waitUntil(
        sql text: String,
        equals value: String? = "t",
        database: String = "postgres",
        timeout: Duration = .patience
    ) async throws {
        let deadline = ContinuousClock.now + timeout
        let pace = PollPace()
        var last = "nothing"
        repeat {
            do {
                let found = try await scalar(text, database: database, timeout: timeout)
                if found == value { return }
                last = found ?? "NULL"
            } catch let error as TestSupportError {
                last = "\(error)"
            }
            try await pace.pause()
        } while ContinuousClock.now < deadline
        throw TestSupportError(
            "Not \(value ?? "NULL") within \(timeout) but \(last): \(text)")
    }

    // MARK: Comparing

    /// Counts and hashes a table's rows, whole and in their text form, without its children.
    ///
    /// - Parameters:
    ///   - table: As SQL writes it: quoted where it must be, with its schema.
    ///   - columns: Which columns, as SQL writes them; all by default, in the table's own order.
    ///   - includingChildren: Whether partitions and children count, for a partitioned table.
    public func tableHash(
        _ table: String,
        database: String,
        columns: [String]? = nil,
        includingChildren: Bool = false
    ) async throws -> TableHash {
        let query = hashQuery(table, columns: columns, includingChildren: includingChildren)
        let row = try await sql(query, database: database, timeout: .seconds(600)).first
        return TableHash(rows: Int((row?[0] ?? nil) ?? "") ?? -1, hash: (row?[1] ?? nil) ?? "")
    }

    /// Hashes every ordinary table of a database, but none of schema `leat`.
    ///
    /// - Returns: By `schema.table` as SQL writes it. Compare with `==`: equal means that no row is
    ///   lost, and none is there twice.
    public func databaseHash(_ database: String) async throws -> [String: TableHash] {
        let names = try await sql(Self.tableNames, database: database).compactMap { $0[0] }
        guard !names.isEmpty else { return [:] }
        let query = names.map { name in
            "select \(literal(name)), h.* from (\(hashQuery(name, columns: nil, includingChildren: false))) h"
        }.joined(separator: "\nunion all ")
        return Self.tableHashes(
            try await sql(query, database: database, timeout: .seconds(600)))
    }

    /// The names of a database's ordinary tables, as SQL writes them.
    static let tableNames = """
        select format('%I.%I', nspname, relname)
        from pg_class c join pg_namespace n on n.oid = relnamespace
        where relkind = 'r' and nspname not in ('leat', 'information_schema')
          and nspname !~ '^pg_'
        """

    static func tableHashes(_ rows: [[String?]]) -> [String: TableHash] {
        Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (row[0] ?? "", TableHash(rows: Int(row[1] ?? "") ?? -1, hash: row[2] ?? ""))
            })
    }

    func hashQuery(
        _ table: String, columns: [String]?, includingChildren: Bool
    ) -> String {
        let row = columns.map { "row(\($0.joined(separator: ", ")))" } ?? "(leat_row.*)"
        // Not hashtext: its result depends on the encoding, and may change between versions.
        return """
            select count(*), coalesce(sum(('x' || left(md5(
                convert_to(\(row)::text, 'UTF8')), 16))::bit(64)::bigint::numeric), 0)
            from \(includingChildren ? "" : "only ")\(table) leat_row
            """
    }

    // MARK: Other programs

    /// Runs `pgbench` to its end.
    ///
    /// - Returns: Its report.
    @discardableResult
    public func pgbench(
        _ arguments: [String], database: String, timeout: Duration = .patience
    ) async throws -> String {
        try await LeatTestSupport.run(
            installation.program("pgbench"), arguments: arguments,
            environment: environment(database, user: "postgres"), timeout: timeout)
    }

    /// Starts `pgbench` as a load beside the test; it ends with its `-T` or the last reference.
    public func startPgbench(_ arguments: [String], database: String) throws -> ChildProcess {
        try ChildProcess(
            installation.program("pgbench"), arguments: arguments,
            environment: environment(database, user: "postgres"), folder: "/")
    }

    /// Creates a database's schema, without rows, in a database of another cluster.
    public func copySchema(
        of database: String, to target: TemporaryCluster, database targetDatabase: String
    ) async throws {
        // pg_dump refuses servers newer than itself, and psql knows its own dump's commands.
        let newer = version.rawValue >= target.version.rawValue ? self : target
        let dump = try await LeatTestSupport.run(
            newer.installation.program("pg_dump"),
            arguments: ["--schema-only", "--no-owner", "--no-publications", "--no-subscriptions"],
            environment: environment(database, user: "postgres"))
        // A newer pg_dump sets it, an older server does not know it.
        let script = dump.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("SET transaction_timeout") }
            .joined(separator: "\n")
        let path = TemporaryFolder.outputPath("schema")
        try Data(script.utf8).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        try await LeatTestSupport.run(
            newer.installation.program("psql"),
            arguments: ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path],
            environment: target.environment(targetDatabase, user: "postgres"))
    }

    private func psql(
        _ arguments: [String], database: String, user: String, timeout: Duration
    ) async throws -> String {
        try await LeatTestSupport.run(
            installation.program("psql"),
            arguments: ["-AtqX", "-v", "ON_ERROR_STOP=1", "-P", "null=\(Self.nullMarker)"]
                + ["-F", Self.fieldSeparator, "-R", Self.recordSeparator] + arguments,
            environment: environment(database, user: user), timeout: timeout)
    }

    private func environment(_ database: String, user: String) -> [String: String] {
        let settings = [
            "datestyle=ISO", "intervalstyle=postgres", "extra_float_digits=3",
            "bytea_output=hex", "timezone=UTC", "lc_monetary=C", "xmloption=content",
        ]
        return [
            "PGHOST": "127.0.0.1", "PGPORT": String(port), "PGDATABASE": database,
            "PGUSER": user, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "judge",
            "PGCLIENTENCODING": "UTF8",
            "PGOPTIONS": settings.map { "-c \($0)" }.joined(separator: " "),
        ]
    }
}

/// An identifier as SQL writes it.
func quoted(_ identifier: String) -> String {
    "\"\(doubled("\"", in: identifier))\""
}

/// A string as SQL writes it.
func literal(_ text: String) -> String {
    "'\(doubled("'", in: text))'"
}

/// By scalars: a quote before a combining mark is another `Character`.
private func doubled(_ quote: Unicode.Scalar, in text: String) -> String {
    text.unicodeScalars.map { $0 == quote ? "\($0)\($0)" : String($0) }.joined()
}
