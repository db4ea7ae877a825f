internal import LeatArchive
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// The source that is an archive: what a recorder has stored, from any position on, as batches.
///
///     let source = ArchiveSource(path)
///     let opening = try await source.open(after: position)   // whose changes, in which form
///     await source.start(.init(positions: positions, follows: true))
///     try await Flow(source: source, ...).run()
///
/// - It reads up to the file `position`, never beyond: what is delivered is on disk. With
///   `follows` it waits there for more, looking again after a few milliseconds, up to 50 when
///   nothing comes; without, it ends there.
/// - Whole segments and frames before the position are skipped by their headers.
/// - Frames are merged to batches of up to 4 MiB, as far as there are any: a recorder that stores
///   each commit at once must not make each a transaction of the sink's, and nobody waits for the
///   first of them, as they do for a server's.
/// - A schedule may hold transactions back: an end, a speed, pauses.
/// - Memory: a frame of no more than 16 MiB, a batch, and what the flow's channel holds. The change
///   of a larger frame is a batch by itself, and goes straight to where it stays.
/// - `report` keeps the position that the sink has stored in `readers/`, if the reader has a
///   name, so that retention leaves what is still needed.
///
/// What is damaged, missing or foreign ends it with a ``Halt`` before anything of it is delivered,
/// and after all that comes before it was stored.
actor ArchiveSource: BatchSource {
    /// What ``start(_:)`` needs.
    struct Stream: Sendable {
        var positions: SharedPosition
        /// Changes of others are left out.
        var tables = FollowedTables.everything
        var follows = false
        var schedule = ReplaySchedule()
        /// Under which name the archive keeps its position; nil: nobody waits for it.
        var reader: String?
        /// How often, at most.
        var registerInterval: Duration = .seconds(5)
        /// Called when a pause has begun and everything before it is stored.
        var paused: @Sendable (LSN) -> Void = { _ in }
    }

    /// What ``open(after:)`` has found.
    struct Opening: Sendable {
        var description: ArchiveDescription
        /// Of the whole archive, at this moment.
        var position: ArchivePosition
    }

    private nonisolated let executor = ConnectionExecutor(label: "leat.archive")
    private nonisolated let isStopped = Atomic<Bool>(false)
    private nonisolated let wantsToGoOn = Atomic<Bool>(false)
    private nonisolated let hasReachedEnd = Atomic<Bool>(false)
    private nonisolated let end = Mutex(LSN.zero)
    nonisolated let path: String
    /// What was read of the source's catalog so far.
    nonisolated let definitions = ArchiveDefinitions()
    private nonisolated let readers: ArchiveReaders

    private var reader: ArchiveReader?
    private var decoder: BatchDecoder?
    private var description: ArchiveDescription?
    private var stream: Stream?
    private var schedule = ReplaySchedule()
    /// Read while opening, or left for the next batch.
    private var firstFrame: Frame?
    /// Decoded and not delivered yet.
    private var pending: Batch?
    /// What was met behind what is pending.
    private var failure: (any Error)?
    /// Why what is pending waits.
    private var isPauseTold = false
    private var looksLeft = 2
    private var registered: (end: LSN, at: ContinuousClock.Instant)?

    private static let batchBytes = BatchLimit.largestBytes
    private static let shortestLook: Duration = .milliseconds(2)
    private static let longestLook: Duration = .milliseconds(50)

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(_ path: String) {
        self.path = path
        readers = ArchiveReaders(path)
    }

    // MARK: Opening

    /// Goes to where the transactions begin that end after `position`, and reads what is said
    /// there of the source and its catalog.
    ///
    /// - Throws: ``Halt``: no archive, damaged, begins later, or ends before `position`.
    func open(after position: LSN) throws -> Opening {
        try checked {
            var reader = try ArchiveReader(ArchiveFolder(path))
            try reader.seek(after: position)
            self.reader = reader
            decoder = BatchDecoder(position: position, keepsMessages: false)
        }
        firstFrame = try nextFrame()
        guard let description, let reader else {
            preconditionFailure("the first item of an archive is a segment's header")
        }
        guard position <= reader.position.end else {
            throw Halt(
                .positionMismatch,
                """
                The stored position \(position) is beyond the end of archive \(path), \
                \(reader.position.end): it is another archive, or an older copy of it.
                """,
                advice:
                    "Give the archive that this target was filled from, or begin anew: --rewind.")
        }
        end.withLock { $0 = reader.position.end }
        return Opening(description: description, position: reader.position)
    }

    /// Begins to deliver.
    ///
    /// - Precondition: ``open(after:)`` has gone to `stream.positions`' position.
    func start(_ stream: Stream) {
        let position = stream.positions.with { $0.position }
        decoder = BatchDecoder(tables: stream.tables, position: position, keepsMessages: false)
        schedule = stream.schedule
        self.stream = stream
    }

    private func checked<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as ArchiveError {
            throw Halt(error, archive: path)
        }
    }

    // MARK: Reading

    /// The next frame with changes; nil at the stored position. Takes in what comes between.
    private func nextFrame() throws -> Frame? {
        if let frame = firstFrame {
            firstFrame = nil
            return frame
        }
        while true {
            let item = try checked { try reader?.next() }
            switch item {
            case nil: return nil
            case .segment(let header): try take(header.description)
            case .frame(let frame) where frame.header.kind == .catalog:
                if let catalog = try checked({ try decoder?.catalog(of: frame) }) {
                    definitions.add(catalog)
                }
            case .frame(let frame): return frame
            }
        }
    }

    private func take(_ new: ArchiveDescription) throws {
        if let old = description {
            guard new.isSameSource(as: old), new.encoding == old.encoding else {
                throw Halt(
                    .source,
                    """
                    Archive \(path) goes on with database \(new.database) of system \
                    \(new.systemIdentifier) in encoding \(new.encoding), which is not what it \
                    began with.
                    """)
            }
        }
        description = new
        definitions.add(new.catalog, of: new)
    }

    /// Reads until there is a batch worth delivering, or nothing more for now.
    private func read() {
        guard let stream else { preconditionFailure("the archive's stream has not started") }
        while failure == nil, pending?.byteCount ?? 0 < ArchiveSource.batchBytes,
            pending?.transactions.last?.isComplete ?? true,
            pending == nil || schedule.isUnlimited
        {
            do {
                guard let frame = try nextFrame() else { break }
                guard pending == nil || !frame.isLarge else {
                    // By itself, next time.
                    firstFrame = frame
                    break
                }
                try take(frame, of: stream)
            } catch {
                failure = error
            }
        }
    }

    private func take(_ frame: Frame, of stream: Stream) throws {
        guard let batch = try checked({ try decoder?.batch(of: frame) }) else { return }
        if batch.transactions.isEmpty {
            guard !frame.header.endsWithin, pending == nil else { return }
            stream.positions.with { $0.emptyCommitReceived(end: frame.header.endLSN) }
        } else if pending == nil {
            if let reader { end.withLock { $0 = reader.position.end } }
            pending = batch
        } else {
            pending?.append(batch)
        }
    }

    // MARK: Delivering

    private enum Step {
        case deliver(Batch)
        /// Until then, or until the archive has grown.
        case wait(ContinuousClock.Instant?)
        case ended
    }

    func next() async throws -> Delivery {
        let end = ContinuousClock.now + .seconds(1)
        var look = ArchiveSource.shortestLook
        while !isStopped.load(ordering: .acquiring) {
            switch try step() {
            case .deliver(let batch):
                return .batch(batch)
            case .ended:
                return .ended
            case .wait(let due):
                let now = ContinuousClock.now
                guard now < end else { return .nothing }
                let wait = due.map { min($0 - now, ArchiveSource.longestLook) } ?? look
                try await Task.sleep(for: max(wait, .microseconds(100)))
                look = min(look * 2, ArchiveSource.longestLook)
            }
        }
        return try lastLook()
    }

    /// What was recorded just before a stop is not left behind: a batch, and word of the end.
    private func lastLook() throws -> Delivery {
        guard stream?.follows == true, looksLeft > 0 else { return .ended }
        looksLeft -= 1
        if case .deliver(let batch) = try step() { return .batch(batch) }
        return .ended
    }

    private func step() throws -> Step {
        guard let stream else { preconditionFailure("the archive's stream has not started") }
        read()
        guard let batch = pending, let next = batch.transactions.first else {
            if let failure {
                guard isStored(stream) else { return .wait(nil) }
                throw failure
            }
            guard let reader else { return .ended }
            let end = reader.position.end
            self.end.withLock { $0 = end }
            if schedule.isOver(at: end) {
                hasReachedEnd.store(true, ordering: .releasing)
                stream.positions.with { $0.keepaliveReceived(walEnd: schedule.end(before: end)) }
                return .ended
            }
            stream.positions.with { $0.keepaliveReceived(walEnd: end) }
            return stream.follows ? .wait(nil) : .ended
        }
        if wantsToGoOn.exchange(false, ordering: .acquiring) {
            if isPauseTold { schedule.resume(next) }
            isPauseTold = false
        }
        let now = ContinuousClock.now
        var (count, last) = (0, ReplaySchedule.Admission.now)
        while count < batch.transactions.count, last == .now {
            last = schedule.admit(batch.transactions[count], at: now)
            if last == .now { count += 1 }
        }
        if count > 0 { return .deliver(take(count, of: batch, to: stream)) }
        return hold(next, by: last, of: stream)
    }

    private func take(_ count: Int, of batch: Batch, to stream: Stream) -> Batch {
        pending = count < batch.transactions.count ? batch.dropFirst(count) : nil
        let taken = batch.prefix(count)
        stream.positions.with { state in
            for transaction in taken.transactions {
                if transaction.isComplete {
                    state.commitReceived(end: transaction.endLSN)
                } else {
                    state.transactionBegan()
                }
            }
        }
        stream.positions.batchSent()
        return taken
    }

    /// The next transaction does not go yet, or not at all.
    private func hold(
        _ next: Transaction, by admission: ReplaySchedule.Admission, of stream: Stream
    ) -> Step {
        switch admission {
        case .now: return .wait(.now)
        case .at(let due): return .wait(due)
        case .never:
            // All before it was delivered, and its commit record begins behind them.
            hasReachedEnd.store(true, ordering: .releasing)
            stream.positions.with {
                $0.keepaliveReceived(walEnd: schedule.end(before: next.commitLSN))
            }
            return .ended
        case .paused:
            if isStored(stream), !isPauseTold {
                isPauseTold = true
                stream.paused(stream.positions.with { $0.position })
            }
            return .wait(nil)
        }
    }

    /// Whether the sink has stored all that was delivered.
    private func isStored(_ stream: Stream) -> Bool {
        stream.positions.with { $0.isIdle && $0.dueAtDrain == nil }
    }

    /// The archive's stored position, as last seen.
    nonisolated var knownEnd: LSN { end.withLock { $0 } }

    /// Whether the end of the schedule was reached, not only that of the archive.
    nonisolated var isEndReached: Bool { hasReachedEnd.load(ordering: .acquiring) }

    /// Ends a pause. From any thread, without waiting; without a pause nothing happens.
    nonisolated func goOn() {
        wantsToGoOn.store(true, ordering: .releasing)
    }

    // MARK: BatchSource

    nonisolated func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    /// Nothing is ever kept back for the sink: an archive is there already.
    nonisolated func sinkHasRoom() {}

    /// Registers what the sink has stored, at most every few seconds.
    func report(_ status: PositionState.Status, asksForReply: Bool) async throws {
        let now = ContinuousClock.now
        guard let stream, let name = stream.reader, status.flushed > registered?.end ?? .zero,
            now - (registered?.at ?? now - .seconds(3600)) >= stream.registerInterval
        else { return }
        do { try readers.register(name, at: status.flushed) } catch {
            // What is not told now is told later; until then more is kept than is needed.
            if case .noRoom = error.code { return }
            throw Halt(error, archive: path)
        }
        registered = (status.flushed, now)
    }

    /// - Throws: ``Halt``: exit code 9 if the archive's folder cannot be written to.
    func register(_ name: String, at end: LSN) throws {
        try checked { try readers.register(name, at: end) }
        registered = (end, .now)
    }

    func forget(_ name: String) throws {
        try checked { _ = try readers.forget(name) }
    }
}
