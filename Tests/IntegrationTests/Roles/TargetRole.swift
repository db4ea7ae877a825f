import LeatTestSupport
import Testing

/// A role on the target of a pair that is no superuser.
struct TargetRole {
    let pair: Pair
    var name: String { "role_\(pair.database)" }

    /// What it has besides the right to connect and to make schema `leat`.
    enum Rights: Sendable {
        /// To read and write the tables.
        case grants
        /// Of the tables.
        case ownership
    }

    /// Runs `body` with a pair on which such a role may do what `rights` say, and no more.
    static func with(
        _ version: PostgresVersion = .v16, _ rights: Rights = .grants, schema: String,
        rows: String = "", _ body: (Pair, TargetRole) async throws -> Void
    ) async throws {
        try await Pair.with(.init(version, version), schema: schema, rows: rows) { pair in
            let role = TargetRole(pair: pair)
            try await pair.onTarget(
                "create role \(role.name) login; grant create on database \(pair.database) to \(role.name)"
            )
            switch rights {
            case .grants:
                try await pair.onTarget(
                    """
                    grant select, insert, update, delete, truncate on all tables in schema public
                      to \(role.name);
                    grant select, update on all sequences in schema public to \(role.name)
                    """)
            case .ownership:
                try await pair.onTarget(
                    """
                    do $$ declare t regclass; begin
                      for t in select oid from pg_class
                        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') loop
                        execute format('alter table %s owner to \(role.name)', t);
                      end loop;
                    end $$
                    """)
            }
            do {
                try await body(pair, role)
            } catch {
                try? await role.drop()
                throw error
            }
            try await role.drop()
        }
    }

    private func drop() async throws {
        try await pair.onTarget(
            """
            select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '\(name)'
            """)
        try await pair.onTarget(
            "reassign owned by \(name) to postgres; drop owned by \(name); drop role \(name)")
    }

    /// The pair's places, with the target as this role.
    var places: [String] {
        pair.places + ["--target", pair.target.conninfo(database: pair.database, user: name)]
    }

    func start(_ options: String...) throws -> LeatProcess {
        try LeatProcess(["sync"] + places + ["--status-interval", "200ms"] + options)
    }

    func sync(
        _ options: String..., environment: [String: String] = [:]
    ) async throws -> Pair.Outcome {
        try await pair.leat(
            ["sync"] + places + ["--status-interval", "200ms", "--endpos", "now"] + options,
            environment: environment)
    }

    /// Brings the target to this moment of the source, and says what it logged.
    @discardableResult
    func catchUp(_ options: String...) async throws -> String {
        let outcome = try await pair.leat(
            ["sync"] + places + ["--status-interval", "200ms", "--endpos", "now"] + options)
        guard outcome.exitCode == 0 else {
            throw TestSupportError("leat ended with \(outcome.exitCode)\n\(outcome.log)")
        }
        return outcome.log
    }

    func cleanup(environment: [String: String] = [:]) async throws -> Pair.Outcome {
        try await pair.leat(["cleanup", "--yes"] + places, environment: environment)
    }
}

extension Pair.Outcome {
    /// The statements that a refusal gives to mend it.
    var mends: [String] {
        log.split(separator: "\n").map(String.init).filter { $0.hasPrefix("alter table") }
    }
}
