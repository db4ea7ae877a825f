internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Keeps the position of a recording in its archive: files `stream.json` and `position`.
struct ArchiveKeeper: PositionKeeper {
    let configuration: RecordConfiguration
    let servers: RecordRun.Servers
    let folder: ArchiveFolder
    let lock: WriterLock
    let slots: SlotPreparation
    let words: KeeperWords

    /// What a new archive says of its source.
    struct Begun: Sendable {
        var description: ArchiveDescription
        var server: SlotPreparation.Server
    }

    func read() throws -> StreamFile? { try StreamFile.read(folder) }

    /// Of one that has not begun, on a slot that is taken over, nothing counts.
    func stored(_ file: StreamFile) throws -> StartFacts.Stored? {
        guard file.state == .streaming || file.ownsSlot else { return nil }
        let isCreating = file.state == .creating
        var stored = StartFacts.Stored(
            isCreating: isCreating,
            endLSN: isCreating ? .zero : try folder.storedPosition().end,
            systemIdentifier: file.systemIdentifier, database: file.database,
            timeline: file.timeline, slot: file.slot,
            last: isCreating ? nil : try folder.lastTransaction(), databaseOID: file.databaseOID)
        stored.slotBeginning = file.slotBeginning.flatMap(LSN.init)
        return stored
    }

    func writeCreating(_ stream: NewStream) throws {
        try StreamFile(creating: stream, by: configuration.reading).write(in: folder, under: lock)
        FailPoint.recordCreating.reached()
    }

    /// The first segment, the position, what the tables are, and last that the stream has begun.
    ///
    /// The receiver's connection must stay as it is: its next command ends the slot's snapshot.
    func begin(
        _ stream: NewStream, at point: NewStream.Point, of tables: [SourceTable]
    ) async throws -> Begun {
        let (reading, encoding) = (configuration.reading, servers.encoding)
        var file = try read() ?? StreamFile(creating: stream, by: reading)
        let description = try await servers.source.run { [archive = file.archive] session in
            try ArchiveCatalogReader(session: session, configuration: reading)
                .description(of: archive, system: stream.system, encoding: encoding)
        }
        try ArchiveWriter.begin(
            in: folder, under: lock, at: point.position, describing: description)
        try await beginDefinitions(at: point)
        FailPoint.archiveBegun.reached()
        let server = try await slots.server()
        file.state = .streaming
        if file.ownsSlot { file.slotBeginning = "\(point.position)" }
        file.publications = server.publications.map(\.text)
        file.tables = tables.map(StreamFile.Table.init)
        file.selection = configuration.selection.options.map(\.text)
        try file.write(in: folder, under: lock)
        return Begun(description: description, server: server)
    }

    /// What the tables are at its beginning. What happened before a slot that is taken over was
    /// read up to here, nobody knows.
    private func beginDefinitions(at point: NewStream.Point) async throws {
        let reading = configuration.reading
        let snapshot = point.slot?.snapshotName
        let tables = try await servers.source.run { session in
            let reader = ArchiveCatalogReader(session: session, configuration: reading)
            guard let snapshot else { return try reader.tables() }
            try session.execute("begin isolation level repeatable read read only")
            try session.execute("set transaction snapshot \(SQLText.literal(snapshot))")
            let tables = try reader.tables()
            try session.execute("commit")
            return tables
        }
        try DoubtsFile.write([], in: folder, under: lock)
        try DefinitionsFile(checked: point.position, tables: RecordPreparation.known(tables))
            .write(in: folder, under: lock)
    }
}

extension StreamFile {
    /// Of a stream that begins.
    init(creating stream: NewStream, by configuration: SourceConfiguration) {
        self.init(
            state: .creating, archive: ArchiveID.random(), stream: configuration.stream.text,
            slot: configuration.slotName, ownsSlot: stream.ownsSlot,
            ownsPublication: configuration.ownsPublication, publications: [],
            systemIdentifier: stream.system.systemIdentifier, database: stream.system.database,
            timeline: stream.system.timeline, tables: [])
        databaseOID = stream.databaseOID
    }
}
