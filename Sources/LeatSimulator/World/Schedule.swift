/// What one simulation is like: drawn from its seed before it begins.
struct Schedule {
    /// What strikes once, and may need a person.
    enum Disaster: CaseIterable {
        /// A standby takes the source's place that lacks what was written last.
        case failOver
        /// The source's disk comes back as it was.
        case sourceRestored
        case targetRestored
        case slotLost
    }

    /// Of whom a source is read.
    enum Job {
        /// Into the target; into an archive; into the target by way of an archive.
        case sync, record, spool
    }

    let job: Job
    /// An archive begins another segment behind so many transactions.
    let framesPerSegment: Int
    let transactions: Int
    /// See ``Walsender``.
    let streamsBeyond: Int?
    let piecesAtOnce: Int
    let holdBack: SimulatedThread.Time
    /// Every commit of the target waits for its disk.
    let isSynchronous: Bool
    /// Batches may be begun before their turn.
    let beginsAhead: Bool
    /// The target tells how far its disk is.
    let seesDurable: Bool
    let statusInterval: Duration
    /// Microseconds between two faults, at most; 0: there are none.
    let faultPause: Int
    let disaster: Disaster?
    let holds: Bool

    init(_ thread: SimulatedThread) {
        job = [.sync, .sync, .record, .spool][thread.number(below: 4)]
        framesPerSegment = thread.number(in: 1...4)
        transactions = thread.number(in: 3...16)
        streamsBeyond = thread.once(in: 2) ? thread.number(in: 0...3) : nil
        piecesAtOnce = thread.number(in: 0...2)
        holdBack = thread.once(in: 4) ? 300_000 : 0
        isSynchronous = thread.once(in: 6)
        beginsAhead = thread.once(in: 2)
        seesDurable = !thread.once(in: 3)
        statusInterval = thread.once(in: 2) ? .milliseconds(200) : .seconds(2)
        faultPause =
            thread.once(in: 6) ? 0 : [100_000, 400_000, 1_500_000][thread.number(below: 3)]
        disaster =
            thread.once(in: 4)
            ? Disaster.allCases[thread.number(below: Disaster.allCases.count)] : nil
        holds = thread.once(in: 3)
    }
}
