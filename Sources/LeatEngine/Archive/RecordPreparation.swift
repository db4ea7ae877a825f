internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// Decides how a recording starts, and creates what is missing.
///
/// The order for a new archive, and what a crash after each step leaves:
///
/// 1. `stream.json` says `creating`. Nothing else is there: all of it is done again. Where a slot
///    is taken over, it says too that the slot is not ours: it is never dropped.
/// 2. Publication, if it is the stream's own: it is found by the next start.
/// 3. Slot, at S. Nobody has read it: it is dropped and made again. One that is taken over is
///    taken over again; nobody has confirmed anything.
/// 4. First segment, position S, and `definitions.json` with what the tables are in the slot's
///    snapshot. As before: all are made anew.
/// 5. `stream.json` says `streaming`: the recording goes on from the position.
/// 6. The base, if one is asked for; its manifest is written last. One without a manifest is
///    removed, and made again at a temporary slot's point S2.
struct RecordPreparation {
    let run: RecordRun
    let servers: RecordRun.Servers

    /// What the recording starts with.
    struct Prepared: Sendable {
        var position: LSN
        var confirmed: LSN
        /// What is compared of the source's history on the way to the position.
        var history: KnownHistory?
        var tables: [SourceTable]
        var server: SlotPreparation.Server
        var description: ArchiveDescription
        /// Nothing for a spool: its target keeps them.
        var definitions: Definitions?
        /// Until where what was left out of a table does not count: see ``PublicationWatch``.
        var copied: @Sendable (RelationID) -> LSN? = { _ in nil }
    }

    var configuration: RecordConfiguration { run.configuration }
    var logger: Logger { run.logger }
    var folder: ArchiveFolder { run.folder }

    func prepare() async throws -> Prepared {
        var system = try await servers.receiver.run { try $0.identifySystem() }
        let file = try keeper.read()
        try checkFolder(file)
        let facts = try await slots.facts(
            of: system, file, in: keeper,
            // A slot that is named is taken over, as nothing has to be copied for that.
            copiesTables: configuration.slot == nil)
        try run.spool?.waitForTarget(if: facts)
        let decision = try await slots.decide(by: facts)
        // An archive is of one database, under the name with which it began.
        if case .resume = decision, let file { system.database = file.database }
        if case .resume(let position) = decision, let file, run.spool != nil {
            return try await resumeSpool(at: position, given: facts, file: file, on: system)
        }
        try folder.removeUnfinishedBases(run.lock)
        switch decision {
        case .create, .recreate, .adopt:
            return try await begin(decision, after: file, given: facts, on: system)
        case .resume(let position):
            guard let file else { preconditionFailure("a stream that goes on has its file") }
            return try await resume(at: position, given: facts, file: file, on: system)
        }
    }

    private var keeper: ArchiveKeeper {
        ArchiveKeeper(
            configuration: configuration, servers: servers, folder: folder, lock: run.lock,
            slots: slots, words: run.spool == nil ? .archive : .spool)
    }

    var slots: SlotPreparation {
        SlotPreparation(
            configuration: configuration.reading, receiver: servers.receiver,
            source: servers.source, logger: logger)
    }

    // MARK: What is there

    private func checkFolder(_ file: StreamFile?) throws {
        guard let file else {
            // Beginning anew would remove it.
            guard try folder.position() == nil, try folder.segments().isEmpty else {
                throw Halt(
                    .configuration,
                    "The folder \(folder.path) holds an archive whose file stream.json is missing.",
                    advice: "Put it back, or give another folder with --archive.")
            }
            return
        }
        guard file.spoolReader == nil || run.spool != nil else {
            throw Halt(
                .configuration, "The folder \(folder.path) is the spool of leat sync.",
                advice: "Give another folder with --archive.")
        }
        guard file.stream == configuration.stream.text else {
            throw Halt(
                .configuration,
                "The archive \(folder.path) is of stream \(file.stream), not \(configuration.stream.text).",
                advice: "Give --stream \(file.stream), or another folder with --archive.")
        }
        let names = Set(file.publications.map { PublicationIdentity($0).name }).sorted()
        guard file.state == .creating || names == Set(configuration.publicationNames).sorted()
        else {
            throw Halt(
                .configuration,
                "This archive records publication \(names.joined(separator: ", ")).",
                advice: file.ownsPublication
                    ? "Leave out --publication, or give another folder with --archive."
                    : "Start it with the same --publication, or give another folder.")
        }
    }

    // MARK: A new archive

    private func begin(
        _ decision: StartDecision, after old: StreamFile?, given facts: StartFacts,
        on system: SystemIdentity
    ) async throws -> Prepared {
        let stream = NewStream(on: system, by: decision, given: facts)
        let keeper = keeper
        let tables = try await publish(after: old, decision) {
            try keeper.writeCreating(stream)
        }
        let (point, begun) = try await slots.begin(stream, by: decision, of: tables, in: keeper)
        if configuration.base != .none {
            try await base(
                of: tables, describing: begun.description,
                at: point.slot.map { ($0.snapshotName, point.position) })
        }
        return Prepared(
            position: point.position, confirmed: point.position, tables: tables,
            server: begun.server, description: begun.description,
            definitions: try definitions(of: tables, nil, from: point.position))
    }

    // MARK: One that goes on

    private func resume(
        at position: LSN, given facts: StartFacts, file: StreamFile, on system: SystemIdentity
    ) async throws -> Prepared {
        try await checkPublications(file)
        let tables = try await publish(after: file, .resume(at: position), creating: {})
        let found = try await look(at: tables, from: position)
        var isGap = try checkMembership(of: file, among: tables)
        if try checkDoubts(found) { isGap = true }
        let (reader, encoding) = (configuration.reading, servers.encoding)
        let description = try await servers.source.run { session in
            try ArchiveCatalogReader(session: session, configuration: reader)
                .description(of: file.archive, system: system, encoding: encoding)
        }
        // Before the file forgets what the gap was.
        if try isGap || wantsBase() { try await base(of: tables, describing: description, at: nil) }
        var newest = file
        newest.timeline = system.timeline
        newest.databaseOID = facts.databaseOID
        newest.tables = tables.map(StreamFile.Table.init)
        newest.selection = configuration.selection.options.map(\.text)
        if newest != file { try newest.write(in: folder, under: run.lock) }
        return Prepared(
            position: position, confirmed: facts.slot?.confirmedFlushLSN ?? position,
            history: facts.history(leavesOutOrigins: configuration.origin == .none),
            tables: tables, server: try await slots.server(), description: description,
            definitions: try definitions(of: tables, found, from: position),
            copied: try madeUpFor(file))
    }

    private func checkPublications(_ file: StreamFile) async throws {
        let (configuration, before) = (
            configuration.reading, file.publications.map(PublicationIdentity.init)
        )
        let now = try await servers.source.run { session in
            try Publication(session: session, configuration: configuration).known(before)
        }
        try PublicationWatch.compare(before, with: now, by: configuration)
    }

    /// The newest base has the rows of all tables; what was left out before it does not count.
    private func madeUpFor(_ file: StreamFile) throws -> @Sendable (RelationID) -> LSN? {
        let known = Set(file.tables.filter { $0.sending != nil }.map { $0.oid })
        let base = try folder.bases().map(\.lsn).max()
        return { known.contains($0.rawValue) ? base : nil }
    }

    /// The publications and the tables' membership in them are the following's to see to, which
    /// copies anew what was left out.
    private func resumeSpool(
        at position: LSN, given facts: StartFacts, file: StreamFile, on system: SystemIdentity
    ) async throws -> Prepared {
        try await checkPublications(file)
        let server = try await slots.server()
        let (reading, encoding) = (configuration.reading, servers.encoding)
        let (tables, description) = try await servers.source.run { session in
            let reader = ArchiveCatalogReader(session: session, configuration: reading)
            return (
                try reader.tables().filter { reading.wants($0.name) },
                try reader.description(of: file.archive, system: system, encoding: encoding)
            )
        }
        var newest = file
        newest.timeline = system.timeline
        newest.databaseOID = facts.databaseOID
        if newest != file { try newest.write(in: folder, under: run.lock) }
        let spool = run.spool
        return Prepared(
            position: position, confirmed: facts.slot?.confirmedFlushLSN ?? position,
            history: history(facts), tables: tables, server: server,
            description: description, copied: { spool?.copied($0) })
    }

    /// As long as nothing is recorded, what the target has says more than where the spool begins.
    private func history(_ facts: StartFacts) -> KnownHistory? {
        let leavesOut = configuration.origin == .none
        let own = facts.history(leavesOutOrigins: leavesOut)
        let target = run.spool?.history(facts, leavesOutOrigins: leavesOut)
        return facts.stored?.last?.identity == nil ? target ?? own : own ?? target
    }

    private func wantsBase() throws -> Bool {
        switch configuration.base {
        case .none: false
        case .new: !run.attempts.isBaseMade.load(ordering: .relaxed)
        case .ifMissing: try folder.bases().isEmpty
        }
    }

    /// Whether changes of a table were left out since the last start, for which a base makes up.
    private func checkMembership(of file: StreamFile, among tables: [SourceTable]) throws -> Bool {
        let now = Dictionary(
            tables.map { ($0.relation.id.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
        let changed = file.tables.filter { table in
            guard let now = now[table.oid] else { return false }
            PublicationWatch.tell(from: table.publishing, to: now, logger: logger)
            return table.publishing.gap(to: now.publishing) != nil
        }
        guard !changed.isEmpty else { return false }
        let names = NameList.text(changed.map { "\($0.schema).\($0.name)" })
        guard configuration.base == .none else {
            logger.warning(
                "tables left their publication and came back; only a new base has their rows",
                metadata: ["tables": "\(names)"])
            return true
        }
        throw Halt(
            .positionMismatch,
            """
            These tables were taken out of their publication and put back, or it sends other \
            changes of them than before: \(names). What happened in between was not sent.
            """,
            advice: """
                Start again with --with-base: replays from the new base are whole; older bases do \
                not lead beyond this point for these tables.
                """)
    }
}

extension StreamFile.Table {
    init(_ table: SourceTable) {
        self.init(
            oid: table.relation.id.rawValue, schema: table.relation.schema,
            name: table.relation.name, membership: table.publishing.membership,
            unsentKinds: table.unsentKinds, sending: table.publishing.sending)
    }

    var publishing: Publishing {
        Publishing(membership: membership, unsentKinds: unsentKinds, sending: sending)
    }
}
