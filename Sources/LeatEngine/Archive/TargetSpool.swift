internal import Glibc
internal import LeatArchive
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// The archive between a slot and a target, in one process: ``SpoolJob`` runs two flows, one that
/// records and one that follows.
///
/// ``SpoolDecision`` says in which order the positions of the three always are. A new spool is
/// begun by the run that follows, at the slot's confirmed position C, which is at or before what
/// the target has stored for good. What a crash after each step leaves:
///
/// 1. `stream.json` says `creating`: there is no spool yet. The next start begins it, at C, which
///    is where it was: nobody reads the slot.
/// 2. First segment and position C. The same; they are made anew.
/// 3. The reader is registered at C: nothing is ever removed that the target needs. The same.
/// 4. The target's row names the spool. The same; a start without it finds that the target is not
///    behind the slot, and takes the name out.
/// 5. `stream.json` says `streaming`: from here on the recording begins, and the slot is confirmed
///    from the archive, whether the target can be reached or not. The next start goes on with both.
final class TargetSpool: Sendable {
    let folder: ArchiveFolder
    let lock: WriterLock
    let limit: SpoolLimit?
    /// A segment is closed when it is longer, and removed when the target has all of it.
    let segmentBytes: Int
    /// What the stream shows of itself.
    let status: JobStatus
    private let stream: StreamName
    private let hasBegun: Atomic<Bool>
    /// Whether the target was asked since the process began, and the spool fits it.
    private let isAgreed = Atomic<Bool>(false)
    /// Requested where the recording may go on.
    private let gate = Mutex(StopSignal())
    private let partitions = Mutex<PartitionWatch?>(nil)
    private let last = Mutex<LastTransaction?>(nil)
    private let copies = Mutex<[RelationID: LSN]>([:])

    init(
        in folder: ArchiveFolder, under lock: WriterLock, configuration: SyncConfiguration.Spool,
        of stream: StreamName, limit: SpoolLimit?, status: JobStatus
    ) throws(ArchiveError) {
        self.folder = folder
        self.lock = lock
        self.limit = limit
        self.stream = stream
        self.status = status
        // Of a small spool, some must be removable before it is full.
        let most = configuration.limit.map { max($0 / 8, 1 << 10) }
        segmentBytes = min(configuration.segmentBytes, most ?? .max)
        hasBegun = Atomic(try StreamFile.read(folder)?.state == .streaming)
    }

    /// Whether it holds a recording that can go on.
    var isBegun: Bool { hasBegun.load(ordering: .acquiring) }

    // MARK: The two flows

    /// The recording may begin: the spool is begun and fits the target, or the target cannot be
    /// reached to ask it.
    func open() {
        gate.withLock { $0 }.request()
    }

    /// The target has said that the spool fits it.
    func agree() {
        isAgreed.store(true, ordering: .releasing)
        open()
    }

    private var isOpen: Bool { gate.withLock { $0.isRequested } }

    /// Returns when it may begin, or the task is cancelled.
    func waitUntilOpen() async {
        await gate.withLock { $0 }.wait()
    }

    /// A slot that is ahead of the spool was read without it meanwhile, by a start that left it out.
    /// The target has what lies between, but only it can say so, and begin the spool anew.
    ///
    /// - Throws: ``Restart``, and the recording waits until the target is reached, or the next try to
    ///   reach it has failed.
    func waitForTarget(if facts: StartFacts) throws(Restart) {
        guard !isAgreed.load(ordering: .acquiring), let confirmed = facts.slotAhead,
            let stored = facts.stored
        else { return }
        gate.withLock { $0 = StopSignal() }
        throw Restart(
            reason: """
                Slot \(facts.slotName) was confirmed up to \(confirmed) without the spool, which ends \
                at \(stored.endLSN). Whether the target has what lies between is known when it can be \
                reached; until then nothing is recorded, and the source keeps its WAL
                """)
    }

    /// The following knows which tables are copied, and keeps note of their partitions on the
    /// target; the recording has the session that looks at them.
    func watch(_ new: PartitionWatch) {
        partitions.withLock { $0 = new }
    }

    func checkPartitions(_ source: Connection) async throws {
        try await partitions.withLock({ $0 })?.check(source)
    }

    /// What the target has stored last: a spool that is behind it has to record it, and one that was
    /// begun behind it, and holds nothing yet, has to meet it.
    func expect(_ transaction: LastTransaction?) {
        last.withLock { $0 = transaction }
    }

    /// What is compared of the source's history by what the target knows of it.
    func history(_ facts: StartFacts, leavesOutOrigins: Bool) -> KnownHistory? {
        guard let last = last.withLock({ $0 }), last.identity != nil else { return nil }
        return facts.history(of: last, leavesOutOrigins: leavesOutOrigins)
    }

    /// The following knows until where what is left out of a table does not count.
    func setCopied(_ tables: [RelationID: LSN]) {
        copies.withLock { $0 = tables }
    }

    func copied(_ table: RelationID) -> LSN? { copies.withLock { $0[table] } }

    // MARK: Starting

    /// - Parameter mark: Of the target's row.
    /// - Throws: ``Halt`` if this spool does not lead on from the target's position; ``Restart``
    ///   while the recording is behind the target, to which it catches up.
    func decide(
        given facts: StartFacts, mark: SpoolMark?, reader: String, former: String?
    ) throws -> SpoolDecision {
        var spool = SpoolFacts(
            start: facts, folder: folder.path, stream: stream.text, reader: reader,
            found: try found(), mark: mark)
        spool.formerReader = former
        let decision = try SpoolDecision(spool)
        if decision == .begin, isOpen { throw TargetSpool.isBehind }
        return decision
    }

    private static let isBehind = Restart(
        reason: "the spool is behind the target; it is being recorded")

    /// - Throws: ``Restart`` while what was recorded does not reach to the target's position: a
    ///   spool begins where the slot stands.
    func checkReaches(_ position: LSN) throws {
        guard try folder.storedPosition().end >= position else { throw TargetSpool.isBehind }
    }

    private func found() throws -> SpoolFacts.Found? {
        do {
            guard let file = try StreamFile.read(folder), file.state == .streaming else {
                guard try folder.position() != nil, try StreamFile.read(folder) == nil else {
                    return nil
                }
                throw Halt(
                    .configuration,
                    "The folder \(folder.path) holds an archive whose file stream.json is missing.",
                    advice: "Put it back, or give another folder with --spool.")
            }
            let position = try folder.storedPosition()
            return SpoolFacts.Found(
                archive: "\(file.archive)", stream: file.stream, reader: file.spoolReader,
                systemIdentifier: file.systemIdentifier, database: file.database,
                beginning: position.beginning.first, end: position.end,
                databaseOID: file.databaseOID)
        } catch let error as ArchiveError {
            throw Halt(error, archive: folder.path)
        }
    }

    /// What the target's row is to say of it.
    func mark() throws -> SpoolMark? {
        try StreamFile.read(folder).map { file in
            SpoolMark(archive: "\(file.archive)", place: "\(HostName.own):\(absolutePath)")
        }
    }

    private var absolutePath: String {
        guard let resolved = realpath(folder.path, nil) else { return folder.path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Begins it, in place of what the folder held, of which the target has all.
    ///
    /// - Parameter marking: Tells the target.
    func begin(
        at point: LSN, _ file: StreamFile, describing description: ArchiveDescription,
        marking: (SpoolMark?) async throws -> Void
    ) async throws {
        guard let reader = file.spoolReader else { preconditionFailure("a spool has its reader") }
        var file = file
        file.state = .creating
        try file.write(in: folder, under: lock)
        FailPoint.recordCreating.reached()
        try ArchiveWriter.begin(in: folder, under: lock, at: point, describing: description)
        FailPoint.archiveBegun.reached()
        try ArchiveReaders(folder.path).register(reader, at: point)
        FailPoint.spoolReaderRegistered.reached()
        try await marking(mark())
        FailPoint.spoolMarked.reached()
        file.state = .streaming
        try file.write(in: folder, under: lock)
        hasBegun.store(true, ordering: .releasing)
        FailPoint.spoolBegun.reached()
    }

    // MARK: While it is there

    /// Under which name the archive knows the target.
    func reader() throws -> String {
        guard let reader = try StreamFile.read(folder)?.spoolReader else {
            throw Halt(
                .configuration, "The folder \(folder.path) is no spool any more.",
                advice: "Its file stream.json was removed or replaced. Put it back.")
        }
        return reader
    }

    /// The target may have got another name. At no moment is it unknown to the archive.
    func keepReader(_ name: String) throws {
        guard var file = try StreamFile.read(folder), let old = file.spoolReader, old != name else {
            return
        }
        let readers = ArchiveReaders(folder.path)
        try readers.register(
            name, at: registered() ?? folder.storedPosition().beginning.first)
        file.spoolReader = name
        try file.write(in: folder, under: lock)
        try readers.forget(old)
    }

    /// What its target has stored for good, as the archive knows.
    func registered() throws -> LSN? {
        let name = try reader()
        return try ArchiveReaders(folder.path).all().first { $0.name == name }?.end
    }

    /// Whether its target is among them.
    func isRead(by readers: [ArchiveReaders.Reader]) throws -> Bool {
        let name = try reader()
        return readers.contains { $0.name == name }
    }

    /// What it takes, and how far it is recorded.
    ///
    /// - Parameter least: What of it can never be removed.
    func measured(_ bytes: Int, least: Int, end: LSN) {
        limit?.measured(bytes, least: least)
        status.update { $0.spool = .init(end: end, bytes: bytes) }
    }

    /// In which encoding it is recorded; nil before it is begun.
    func encoding() throws -> String? {
        guard isBegun else { return nil }
        do {
            let position = try folder.storedPosition()
            return try folder.header(of: position.segment).header.description.encoding
        } catch {
            throw Halt(error, archive: folder.path)
        }
    }
}
