internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// What a recording knows of rows that change on the source without being sent: see
/// ``DefinitionWatch``.
extension RecordPreparation {
    struct Definitions: Sendable {
        let keeper: ArchivedDefinitions
        var tables: [RelationID: DefinitionWatch.Table]
        var suspicions: [RelationID: DefinitionWatch.Suspicion] = [:]
    }

    static func known(
        _ tables: [SourceTable]
    ) -> [RelationID: DefinitionsFile.Table] {
        Dictionary(
            tables.map { table in
                let known = KnownDefinitions(table.definition)
                return (table.relation.id, DefinitionsFile.Table(name: table.name, known: known))
            }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: One that goes on

    /// Looks at the catalog as the last run has left off, and keeps what is doubtful.
    func look(at tables: [SourceTable], from position: LSN) async throws -> FoundDefinitions {
        let file = try await withoutDropped(try ArchivedDefinitions.read(folder))
        let kept = try folder.doubts().filter(\.isOpen)
        let end = try await servers.source.run { try SourceEnd.flushed($0) }
        var found = FoundDefinitions()
        for doubt in kept {
            found.doubts[doubt.table] = Halt.doubtful(doubt.table, because: doubt.reason)
        }
        var reasons: [TableName: String] = [:]
        for table in tables {
            let known = file?.tables[table.relation.id]
            try await found.look(
                at: table, stored: known?.known, doubt: nil, until: end, on: servers.source,
                more: known?.known.unshown(in: table, servers.source) ?? [])
            if known?.hasLeft == true, found.doubts[table.name] == nil {
                found.doubts[table.name] = Halt.doubtful(table.name, because: Self.hadLeft)
            }
        }
        for name in found.hidden.sorted() where found.doubts[name] == nil {
            logger.tellHidden(name)
        }
        for (name, halt) in found.doubts { reasons[name] = halt.doubtReason }
        let keeper = ArchivedDefinitions(
            in: folder, under: run.lock,
            file: file ?? DefinitionsFile(checked: position, tables: [:]))
        try keeper.doubt(reasons, at: end)
        return found
    }

    /// Nothing is published again of tables that are gone for good.
    private func withoutDropped(_ file: DefinitionsFile?) async throws -> DefinitionsFile? {
        guard var file else { return nil }
        let left = file.tables.filter(\.value.hasLeft).map(\.key)
        guard !left.isEmpty else { return file }
        let names = try await servers.source.run { try TableNames(session: $0).names(of: left) }
        for id in left where names[id] == nil { file.tables[id] = nil }
        try file.write(in: folder, under: run.lock)
        return file
    }

    private static let hadLeft = """
        it was not published for a while, and what was done to it then was not sent
        """

    /// - Returns: Whether there are any, for which a base makes up.
    /// - Throws: ``Halt`` (exit code 7) without one.
    func checkDoubts(_ found: FoundDefinitions) throws -> Bool {
        guard !found.doubts.isEmpty else { return false }
        let sorted = found.doubts.sorted { $0.key < $1.key }.map(\.value)
        let message = sorted.map(\.message).joined(separator: "\n")
        guard configuration.base == .none else {
            logger.warning("\(message) A new base makes up for it.")
            return true
        }
        var halt = Halt(.stoppedOnChange, message)
        halt.copiesAnew = found.doubts.keys.sorted()
        throw advisingBase(halt)
    }

    var advisingBase: @Sendable (Halt) -> Halt {
        let configuration = configuration
        return { $0.advisingBase(configuration.command(["--new-base"])) }
    }

    // MARK: The result

    /// What the recording goes on with: of the newest base if it is newer than what was known, and
    /// else as it was found.
    ///
    /// - Parameter found: Nil if nothing was known before.
    func definitions(
        of tables: [SourceTable], _ found: FoundDefinitions?, from position: LSN
    ) throws -> Definitions {
        let before = try DefinitionsFile.read(folder)?.base
        var file =
            try ArchivedDefinitions.read(folder) ?? DefinitionsFile(checked: position, tables: [:])
        let isAnew = file.base != before
        let now = Self.known(tables)
        for (id, table) in now {
            if isAnew || found == nil {
                file.tables[id] = file.tables[id] ?? table
            } else {
                let changed = file.tables[id]?.changed
                file.tables[id] = .init(
                    name: table.name, known: found?.known[table.name] ?? table.known)
                file.tables[id]?.changed = changed
            }
        }
        for id in file.tables.keys where now[id] == nil { file.tables[id]?.hasLeft = true }
        try file.write(in: folder, under: run.lock)
        try settleDoubts()
        let watched = file.tables.filter { now[$0.key] != nil }.map { id, table in
            DefinitionWatch.Table(
                id: id, name: table.name, columns: KnownColumns(), definitions: table.known)
        }
        return Definitions(
            keeper: ArchivedDefinitions(in: folder, under: run.lock, file: file),
            tables: Dictionary(uniqueKeysWithValues: watched.map { ($0.id, $0) }),
            suspicions: isAnew ? [:] : found?.suspicions ?? [:])
    }

    /// Keeps which base has ended them, and forgets those from before the archive's beginning.
    private func settleDoubts() throws {
        let beginning = try folder.storedPosition().beginning.first
        let doubts = try folder.doubts().filter { $0.concerns(beginning) }
        try DoubtsFile.write(doubts, in: folder, under: run.lock)
    }
}

extension RecordConfiguration {
    /// `leat record` for this archive, with more options than it was started with, as one types it.
    func command(_ more: [String]) -> String {
        var words = ["leat", "record"] + reading.words() + ["--archive", archive]
        switch schemaDump {
        case nil: words.append("--no-schema")
        case "pg_dump"?: break
        case let program?: words += ["--pg-dump", program]
        }
        return ShellText.command(words + more)
    }
}
