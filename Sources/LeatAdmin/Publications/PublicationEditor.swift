internal import LeatCatalogs
public import LeatCore
public import PGClient

/// Makes, changes and drops publications, with the checks that the server leaves out.
///
/// What a statement does becomes visible with its transaction's end. So the tables are checked
/// twice: before the first statement, from the catalogs, and before the commit, as the server has
/// understood the statements (row filters, column lists, tables that came with a schema).
/// At no moment does another session see a publication that makes its updates fail.
public struct PublicationEditor: Sendable {
    /// Which tables, as they are named by patterns.
    public struct Selection: Sendable {
        public var isForAllTables = false
        public var tables: [TablePattern] = []
        public var excluded: [TablePattern] = []
        public var schemas: [String] = []
        /// By table: exact names only.
        public var columns: [(table: TableName, columns: [String])] = []
        public var rowFilters: [(table: TableName, filter: String)] = []

        public init() {}
    }

    public struct Change: Sendable {
        public var added = Selection()
        public var dropped: [TablePattern] = []
        public var droppedSchemas: [String] = []
        public var operations: [PublishedOperation]?
        public var isViaRoot: Bool?

        public init() {}
    }

    /// What was done, or would be.
    public struct Outcome: Sendable {
        public var statements: [String]
        /// The server's.
        public var warnings: [String]
        /// False: a dry run, not confirmed, or there was nothing to do.
        public var isDone: Bool
    }

    private let source: Conninfo
    private let catalog: PublicationCatalog
    private let command: String
    private let isDryRun: Bool

    public init(source: Conninfo, target: Conninfo?, command: String, isDryRun: Bool) {
        self.source = source
        self.command = command
        self.isDryRun = isDryRun
        catalog = PublicationCatalog(source: source, target: target, command: command)
    }

    // MARK: Create

    /// - Throws: ``Halt``; 6 if a table's updates would fail, and then nothing was created.
    public func create(
        _ name: String, selecting selection: Selection, operations: [PublishedOperation]?,
        isViaRoot: Bool, ifNotExists: Bool
    ) async throws -> Outcome {
        try await Connection.with(source, peer: .source, command: command) { session in
            let existing = try session.query(
                "select from pg_catalog.pg_publication where pubname = $1", with: [name])
            if existing.rowCount > 0 {
                if ifNotExists { return Outcome(statements: [], warnings: [], isDone: false) }
                throw Halt(
                    .preflight, "The source has a publication \(name) already.",
                    advice: "leat publication list \(ShellText.word(name)) shows it.")
            }
            var definition = PublicationDefinition(name: name)
            definition.isForAllTables = selection.isForAllTables
            definition.schemas = selection.schemas
            definition.operations = operations
            definition.isViaRoot = isViaRoot
            let chosen = try PublicationTables(session: session).choose(selection)
            definition.tables = chosen.tables
            if (operations ?? PublishedOperation.allCases).contains(where: \.needsIdentity) {
                try SourceCatalog(session: session).checkIdentities(of: chosen.candidates)
            }
            return try run([definition.statement], for: name, on: session, problemsBefore: [])
        }
    }

    // MARK: Alter

    /// - Parameter confirm: Asked if readers are known and something is taken away from them.
    /// - Throws: ``Halt``; 6 if a table's updates would fail by it, and then nothing was changed.
    public func alter(
        _ name: String, by change: Change,
        confirm: @Sendable (PublicationReport, PublicationList) -> Bool
    ) async throws -> Outcome {
        let list = try await catalog.list([name])
        guard let current = list.publications.first else {
            throw PublicationCatalog.missingHalt(name, among: [])
        }
        return try await Connection.with(source, peer: .source, command: command) { session in
            let plan = try PublicationTables(session: session).plan(change, over: current)
            let operations = change.operations?.map(\.rawValue) ?? current.operations
            if operations.contains("update") || operations.contains("delete") {
                try SourceCatalog(session: session).checkIdentities(of: plan.candidates)
            }
            let statements = plan.change.statements
            guard !statements.isEmpty else {
                return Outcome(statements: [], warnings: [], isDone: false)
            }
            if plan.change.takesAway, !current.readers.isEmpty, !isDryRun,
                !confirm(current, list)
            {
                return Outcome(statements: statements, warnings: [], isDone: false)
            }
            return try run(statements, for: name, on: session, problemsBefore: current.problems)
        }
    }

    // MARK: Drop

    /// - Parameter confirm: Asked once, with what is known of the readers; in a dry run too.
    public func drop(
        _ names: [String], ifExists: Bool, confirm: @Sendable (PublicationList) -> Bool
    ) async throws -> Outcome {
        var list = try await catalog.list(ifExists ? [] : names)
        list.publications.removeAll { publication in
            !names.contains { $0.isSameName(as: publication.name) }
        }
        guard !list.publications.isEmpty else {
            return Outcome(statements: [], warnings: [], isDone: false)
        }
        let quoted = list.publications.map { SQLText.identifier($0.name) }
        let statement = "drop publication \(quoted.joined(separator: ", "));"
        guard confirm(list), !isDryRun else {
            return Outcome(statements: [statement], warnings: [], isDone: false)
        }
        return try await Connection.with(source, peer: .source, command: command) { session in
            try session.execute(statement)
            return Outcome(
                statements: [statement], warnings: session.takeWarnings().map(\.printable),
                isDone: true)
        }
    }

    // MARK: Running

    private func run(
        _ statements: [String], for name: String, on session: Session,
        problemsBefore: [PublicationProblem]
    ) throws -> Outcome {
        guard !isDryRun else { return Outcome(statements: statements, warnings: [], isDone: false) }
        try session.transaction {
            for statement in statements { try session.execute(statement) }
            let problems = try PublicationProblems(session: session).read(name)[name] ?? []
            try PublicationProblems.check(problems.filter { !problemsBefore.contains($0) })
        }
        return Outcome(
            statements: statements, warnings: session.takeWarnings().map(\.printable), isDone: true)
    }
}
