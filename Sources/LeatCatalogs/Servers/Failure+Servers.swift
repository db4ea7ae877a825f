package import LeatCore
internal import PGClient
internal import PGWire

/// The one place that decides what to do about what a server said, or a connection met.
extension Failure {
    /// - Parameter wasConnected: Both servers were reached before in this process. A server that
    ///   cannot be reached at the very start is more likely misspelt than restarting.
    package init(_ error: any Error, wasConnected: Bool) {
        switch error {
        case let halt as Halt: self = .halt(halt)
        case let error as StreamError:
            if case .anotherHistory(let halt) = error.code {
                self = .halt(halt)
            } else {
                self = .halt(Halt(.source, "\(error).", advice: Failure.streamAdvice))
            }
        case let error as ConnectionError:
            self = Failure.connection(error, wasConnected: wasConnected)
        default: self = .halt(Halt(.internalError, "Internal error: \(error)."))
        }
    }

    private static func connection(_ error: ConnectionError, wasConnected: Bool) -> Failure {
        if isWithoutMemory(error) { return .halt(.noMemory(nil)) }
        switch error.code {
        case .lost, .timedOut:
            if wasConnected { return .retry(Retry(reason: "\(error)")) }
        case .connectFailed:
            if wasConnected, let retry = connecting(error) { return .retry(retry) }
        case .pooled:
            return .halt(pooled(error))
        case .server, .invalidConninfo, .interrupted, .unexpectedAnswer, .invalidValue:
            break
        }
        if let state = error.sqlState, Transient.isTransient(sqlState: state) {
            return .retry(Retry(reason: "\(error)", advice: advice(error)))
        }
        // internal_error: what the catalogs name was dropped while they were read.
        if error.peer == .source, error.sqlState == .internalError {
            return .retry(Retry(reason: "\(error)", ifLasting: halt(error)))
        }
        return .halt(halt(error))
    }

    private static func halt(_ error: ConnectionError) -> Halt {
        unsendable(error)
            ?? Halt(exitCode(error), "\(error).", advice: advice(error), kind: kind(error))
    }

    private static func pooled(_ error: ConnectionError) -> Halt {
        Halt(
            exitCode(error),
            "A connection pooler stands between Leat and the \(error.peer?.rawValue ?? "server").",
            advice: """
                Connect to the server itself: locks, settings and prepared statements belong to \
                a session, and through a pooler they would reach those of others.
                """, kind: .server)
    }

    /// A server that was reached before is not. It is down; or it is there and refuses, which passes
    /// where somebody is changing a password or `pg_hba.conf`. A database that is gone stays so.
    private static func connecting(_ error: ConnectionError) -> Retry? {
        let retry = Retry(reason: "\(error)", advice: advice(error))
        guard let state = error.sqlState else {
            guard error.lacksPassword else { return Retry(reason: "\(error)") }
            return Retry(reason: "\(error)", advice: passwordAdvice, ifLasting: halt(error))
        }
        if Transient.isTransient(sqlState: state) { return retry }
        // invalid_catalog_name
        guard state != .invalidCatalogName else { return nil }
        return Retry(reason: "\(error)", advice: advice(error), ifLasting: halt(error))
    }

    /// libpq was refused memory, which another connection would be too. A server's own error has its
    /// SQLSTATE, another one than what stands for none.
    private static func isWithoutMemory(_ error: ConnectionError) -> Bool {
        guard [nil, .internalError].contains(error.sqlState) else { return false }
        return ["out of memory", "cannot allocate memory", "could not allocate memory"]
            .contains(where: error.message.contains)
    }

    /// A change whose text has no form in the encoding of the target's database: the source's
    /// walsender converts, and ends the stream at it.
    private static func unsendable(_ error: ConnectionError) -> Halt? {
        // character_not_in_repertoire, untranslatable_character.
        guard error.peer == .source,
            [.characterNotInRepertoire, .untranslatableCharacter].contains(error.sqlState),
            let server = error.server, let context = server.context,
            let place = context.firstMatch(of: /([0-9A-F]+\/[0-9A-F]+)$/)
        else { return nil }
        return Halt(
            .stoppedOnChange,
            """
            Stopped at \(place.output.1): the source cannot send a change in the encoding of the \
            target's database: \(server.withoutValues).
            """,
            advice: """
                Nothing of this transaction was applied; everything before it was. The change \
                stays in the source's WAL as it is, so mend the values on the source and begin \
                anew (leat cleanup, then leat sync --truncate), or use a target database of \
                another encoding.
                """)
    }

    private static func exitCode(_ error: ConnectionError) -> ExitCode {
        switch (error.code, error.peer) {
        case (.invalidConninfo, _): .configuration
        // A publication or the slot is not there any more: what it would have sent is lost.
        case (_, .source) where error.sqlState == .undefinedObject: .positionMismatch
        case (_, .source): .source
        case (_, .target): .target
        case (_, nil): .internalError
        }
    }

    /// The server's functions that refuse a role without REPLICATION.
    /// An exit code with a kind of its own keeps it.
    private static func kind(_ error: ConnectionError) -> Halt.Kind? {
        switch exitCode(error) {
        case .source, .target: .server
        default: nil
        }
    }

    private static let replicationChecks: Set = [
        "InitPostgres", "CheckSlotPermissions", "check_permissions",
    ]

    /// What a role lacks that the server names.
    private static func grant(_ error: ConnectionError) -> String? {
        guard let role = error.role.map(SQLText.identifier), let peer = error.peer else {
            return nil
        }
        let (place, words) = ("On the \(peer), as an administrator:\n", error.message)
        guard error.sqlState == .insufficientPrivilege else { return nil }
        if peer == .source, replicationChecks.contains(error.server?.function ?? "") {
            return """
                \(place)alter role \(role) replication;
                (Amazon RDS: grant rds_replication to \(role);)
                """
        }
        // No field names the object. In another language there is the advice of all privileges.
        if words.contains("permission denied for database"), let database = error.database {
            let name = SQLText.identifier(database)
            return "\(place)grant create on database \(name) to \(role);"
        }
        if let schema = words.firstMatch(of: /permission denied for schema (.+)$/)?.output.1 {
            let name = SQLText.identifier(String(schema))
            return "\(place)grant usage on schema \(name) to \(role);"
        }
        return nil
    }

    private static func advice(_ error: ConnectionError) -> String? {
        if let grant = grant(error) { return grant }
        return switch error.sqlState {
        case .insufficientPrivilege:
            "Grant the role what it lacks: see \"Privileges\" in the README."
        case .undefinedObject where error.peer == .source:
            """
            If a publication or the slot was dropped, run "leat cleanup" for this stream and start \
            it again with --truncate, which copies the tables anew.
            """
        case .featureNotSupported where error.server?.function?.hasPrefix("pgoutput_") == true:
            "Give a table the same column list in all publications of the stream."
        case .readOnlySQLTransaction:
            "The \(error.peer?.rawValue ?? "server") only takes reads: is it a standby?"
        // invalid_authorization_specification, invalid_password
        case .invalidAuthorizationSpecification, .invalidPassword: passwordAdvice
        case .tooManyConnections: connectionsAdvice
        case nil where error.lacksPassword: passwordAdvice
        case nil, .invalidCatalogName:
            error.code == .connectFailed ? "Check the host, port, database and role." : nil
        default: nil
        }
    }
}

/// Sentences for an operator whom a server does not let in.
extension Failure {
    private static let passwordAdvice = """
        Check the role, its password and pg_hba.conf. The password file (~/.pgpass, or PGPASSFILE) \
        is read at each try; a password in the connection string or in PGPASSWORD takes a restart.
        """

    private static let streamAdvice = """
        Nothing of it was applied. Start again: the source sends it anew. If that ends here too, \
        something between Leat and the source changes what it sends, or the source is broken: \
        connect to the server itself, and look into its log.
        """

    private static let connectionsAdvice = """
        A limit of connections is reached: that of the role or the database (connection limit), \
        or max_connections or max_wal_senders of the server. Raise it, or end other sessions; \
        while tables are copied, --copy-jobs 1 needs the fewest.
        """
}
