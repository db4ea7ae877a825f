internal import LeatCore
internal import PGWire

/// The target: rows and the stream's position, committed together; what of it is on the disk; and who
/// holds the stream's lock.
// SAFETY: of the simulation's one thread, as everything in it.
final class TargetServer: @unchecked Sendable {
    final class Session: @unchecked Sendable {
        /// As its client sees it.
        fileprivate(set) var isLost = false
        /// Its backend is gone.
        fileprivate(set) var isEnded = false
        /// Its backend still does something that its client does not wait for any more.
        var isBusy = false
    }

    /// What is there after a commit.
    struct State {
        /// Numbers of the transactions, in the order in which they were committed.
        var applied: [Int] = []
        /// The row of `leat.progress`.
        var row: Row?
        /// When the WAL writer has it on the disk.
        fileprivate var flushAt: SimulatedThread.Time = 0
        /// Bytes of WAL.
        fileprivate var place: UInt64 = 8
    }

    struct Row {
        var isCreating: Bool
        var position: LSN
        var timeline: UInt32
        var last: LastTransaction
        var slotBeginning: LSN?
        var mark: SpoolMark?
    }

    let thread: SimulatedThread
    private var states = [State()]
    private var sessions: [Session] = []
    private(set) var lockHolder: Session?
    /// How often it has become an older one.
    private(set) var timesRestored = 0
    var isAway = false

    init(_ thread: SimulatedThread) {
        self.thread = thread
    }

    var state: State { states[states.count - 1] }

    // MARK: What is on the disk

    private func durableIndex(at time: SimulatedThread.Time) -> Int {
        states.lastIndex { $0.flushAt <= time } ?? 0
    }

    /// What a crash cannot lose.
    var durable: State { durable(at: thread.now) }

    func durable(at time: SimulatedThread.Time) -> State { states[durableIndex(at: time)] }

    var insertPlace: LSN { LSN(rawValue: state.place) }
    var flushPlace: LSN { LSN(rawValue: durable.place) }

    // MARK: Committing

    /// - Parameter isSynchronous: It and all before it are on the disk when it is done.
    func commit(isSynchronous: Bool, _ change: (inout State) -> Void) {
        var next = state
        change(&next)
        next.place += 8
        let delay = SimulatedThread.Time(thread.number(below: 600_000))
        next.flushAt = max(next.flushAt, thread.now + delay)
        states.append(next)
        if isSynchronous {
            for index in states.indices.reversed() {
                guard states[index].flushAt > thread.now else { break }
                states[index].flushAt = thread.now
            }
        }
        // Nobody asks for what was durable so long ago.
        if states.count > 512 { states.removeFirst(256) }
    }

    // MARK: Sessions

    func connect() -> Session {
        let session = Session()
        sessions.append(session)
        return session
    }

    /// - Returns: False if another one has it.
    func lock(_ session: Session) -> Bool {
        guard lockHolder == nil || lockHolder === session else { return false }
        lockHolder = session
        return true
    }

    /// Its backend has ended.
    func end(_ session: Session) {
        session.isLost = true
        session.isEnded = true
        if lockHolder === session { lockHolder = nil }
        sessions.removeAll { $0 === session }
    }

    /// Clients find their connections lost. Backends end when they notice.
    func cutAll() {
        for session in sessions { session.isLost = true }
    }

    // MARK: Faults

    /// It comes back with what was on its disk, and perhaps some more.
    func crash() {
        let kept = durableIndex(at: thread.now)
        let last = kept + thread.number(below: states.count - kept)
        states.removeLast(states.count - 1 - last)
        restart()
    }

    /// It comes back as it was then.
    func restore(_ state: State) {
        states = [state]
        timesRestored += 1
        restart()
    }

    private func restart() {
        for index in states.indices {
            states[index].flushAt = min(states[index].flushAt, thread.now)
        }
        for session in sessions {
            end(session)
        }
    }
}
