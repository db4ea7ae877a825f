internal import LeatCore
internal import LeatFlow
internal import PGWire

/// Everything that a simulation has, and what is looked at all the time.
// SAFETY: of the simulation's one thread, as everything in it.
final class World: @unchecked Sendable {
    let thread: SimulatedThread
    let clock: SimulatedClock
    let schedule: Schedule
    let sabotage: Sabotage?
    let source: SourceServer
    let target: TargetServer
    let disk: ArchiveDisk
    private(set) var broken: BrokenPromise?
    /// Nil where nobody reads it.
    private(set) var trace: [String]?
    /// Of faults that have struck, by which a stop may be spoilt.
    private(set) var faults = 0
    private var tasks: [Task<Void, Never>] = []

    init(_ thread: SimulatedThread, sabotage: Sabotage?, isTraced: Bool) {
        self.thread = thread
        self.sabotage = sabotage
        clock = SimulatedClock(thread)
        schedule = Schedule(thread)
        source = SourceServer(thread)
        target = TargetServer(thread)
        disk = ArchiveDisk(thread, framesPerSegment: schedule.framesPerSegment)
        trace = isTraced ? [] : nil
    }

    func note(_ text: @autoclosure () -> String) {
        guard trace != nil else { return }
        trace?.append("\(thread.now) \(text())")
    }

    func noteFault(_ text: @autoclosure () -> String) {
        faults += 1
        note(text())
    }

    func breaks(_ promise: Promise, what: String) {
        guard broken == nil else { return }
        broken = BrokenPromise(promise: promise, what: what)
        note("BROKEN \(promise.rawValue): \(what)")
    }

    func isSabotaged(by kind: Sabotage) -> Bool { sabotage == kind }

    /// How often the disk of the archive was full.
    var timesFull = 0
    /// How often the target is to refuse a batch.
    var refusals = 0

    func takeRefusal() -> Bool {
        guard refusals > 0 else { return false }
        refusals -= 1
        return true
    }

    // MARK: What happens by itself

    /// Runs `body` beside everything else, until the simulation ends.
    func spawn(_ body: @escaping @Sendable () async throws -> Void) {
        tasks.append(
            Task(executorPreference: thread) {
                // Only a cancelled sleep throws.
                try? await body()
            })
    }

    func cancelAll() {
        for task in tasks { task.cancel() }
    }

    // MARK: What is looked at

    /// A transaction as it is to be committed on the target.
    struct Committed {
        var rows: [String]
        var commitLSN: LSN
        var endLSN: LSN
    }

    /// Looks at what is committed now, and puts it into the state.
    func commit(_ transactions: [Committed], into state: inout TargetServer.State) {
        for transaction in transactions {
            guard let number = Self.number(of: transaction), let known = source.transaction(number)
            else { continue }
            if transaction.rows != known.rows {
                breaks(
                    .neverHalf,
                    what:
                        "transaction \(number) is \(known.rows), and \(transaction.rows) is committed"
                )
            }
            let last = state.applied.last ?? 0
            if last != known.predecessor {
                breaks(
                    .onceAndInOrder,
                    what:
                        "transaction \(number) is committed behind \(last), not \(known.predecessor)"
                )
            }
            state.applied.append(number)
        }
    }

    static func number(of transaction: Committed) -> Int? {
        transaction.rows.first.flatMap { row in Int(row.prefix { $0 != "." }) }
    }

    /// Looks at what is recorded now.
    func checkRecorded(_ transaction: Committed) {
        guard let number = Self.number(of: transaction), let known = source.transaction(number),
            transaction.rows != known.rows
        else { return }
        breaks(
            .neverHalf,
            what: "transaction \(number) is \(known.rows), and \(transaction.rows) is recorded")
    }

    /// Looks at what a position says that comes with what is applied.
    ///
    /// - Parameter number: The last transaction before it; nil: as the source has it.
    func check(_ position: LSN, against state: TargetServer.State, last number: Int? = nil) {
        let before =
            number ?? source.history.followed.last { $0.endLSN <= position }?.number ?? 0
        if state.applied.last ?? 0 != before {
            breaks(
                .positionIsTheTruth,
                what:
                    "position \(position) comes with transaction \(state.applied.last ?? 0), not \(before)"
            )
        }
    }

    /// Looks at what is about to be confirmed.
    func check(confirmed flushed: LSN) {
        let durable = target.durable.row?.position ?? .zero
        if durable < flushed {
            breaks(.confirmedIsStored, what: "\(flushed) is confirmed, \(durable) is on the disk")
        }
        guard schedule.holdBack > 0 else { return }
        let old = target.durable(at: thread.now - schedule.holdBack).row?.position ?? .zero
        if old < flushed {
            breaks(.confirmedIsOld, what: "\(flushed) is confirmed, \(old) is old enough")
        }
    }

    /// The same, where an archive is what it is confirmed from.
    func check(confirmedFromArchive flushed: LSN) {
        let position = disk.durableFiles.position
        if position?.end ?? .zero < flushed {
            breaks(
                .confirmedIsStored,
                what: "\(flushed) is confirmed, \(position?.end ?? .zero) is recorded")
        }
        if disk.synchronised < position?.frames ?? 0 {
            breaks(
                .confirmedIsStored,
                what: "\(flushed) is confirmed, and not all of it is on the disk")
        }
    }

    /// Looks at what is about to be gone from the spool.
    func checkRemoved(before beginning: LSN) {
        guard target.timesRestored == 0 else { return }
        let durable = target.durable.row?.position ?? .zero
        if durable < beginning {
            breaks(
                .nothingIsLost,
                what: "the spool begins at \(beginning), \(durable) is on the target")
        }
    }

    /// What is to have all of the source in the end.
    var last: TargetServer.State { schedule.job == .record ? disk.state : target.state }

    /// The archive is not one that the target has gone beyond without it.
    var isSpoolInUse: Bool {
        guard let spool = disk.begun else { return false }
        return target.state.row?.position ?? .zero <= spool.end
    }

    /// Looks at what there is once nothing more comes.
    func checkEnd() {
        let (state, followed) = (last, source.history.followed.map(\.number))
        if state.applied != followed {
            breaks(.nothingIsLost, what: "the source has \(followed), the target \(state.applied)")
        }
    }

    /// What is between the source and what the target had just then that nobody but a person can
    /// settle.
    ///
    /// - Parameter spool: What may lie between it and the slot.
    func causeToStop(
        _ state: TargetServer.State, beside spool: ArchiveDisk.Position? = nil
    ) -> String? {
        let slot = source.currentSlot()
        if slot?.isLost == true { return "the slot is lost" }
        guard let row = state.row else {
            return slot.map { _ in "the target went back to before the stream" }
        }
        guard !row.isCreating else {
            return spool.map { _ in "the target went back to before the stream, and has a spool" }
        }
        guard let slot else { return "the slot is gone" }
        if let spool, row.position < spool.beginning { return "the target went back" }
        if slot.confirmed > row.position, slot.confirmed > spool?.end ?? .zero {
            return "the target went back"
        }
        if slot.confirmed < row.slotBeginning ?? .zero { return "the slot is an older one" }
        let history = source.history
        if row.position > history.flushed { return "the source went back" }
        if history.timeline != row.timeline, row.position > history.branch ?? .zero {
            return "the source left the timeline before the position"
        }
        if !history.holds(row.last) { return "the last transaction is not the source's" }
        // A server leaves out what began to commit before the position.
        let before = history.followed.filter { $0.commitLSN < row.position }.map(\.number)
        return before == state.applied ? nil : "the source has another history"
    }
}

extension SourceHistory {
    /// Whether the transaction is in it. One that was copied is.
    func holds(_ last: LastTransaction) -> Bool {
        guard let identity = last.identity else { return true }
        return records.contains { record in
            guard record.start == last.commitLSN, case .commit(let xid, let time) = record.kind
            else { return false }
            return xid == identity.xid.rawValue && time == identity.commitTime.rawValue
        }
    }
}
