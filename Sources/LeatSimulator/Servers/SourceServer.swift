internal import LeatCore
internal import PGWire

/// The source: its history, its slot, and whoever reads it.
// SAFETY: of the simulation's one thread, as everything in it.
final class SourceServer: @unchecked Sendable {
    /// Somebody's replication session.
    final class Session: @unchecked Sendable {
        fileprivate(set) var isLost = false
        fileprivate(set) var sender: Walsender?
        /// Of a walsender that has said nothing for long, or wants to stop.
        var asksForReply = false
        /// For who waits for more: see ``SimulatedThread/wake(_:)``.
        var waiter: Int?
    }

    struct Slot {
        var confirmed: LSN
        /// As the server's disk has it: written at checkpoints only.
        var saved: LSN
        var isLost = false
    }

    private struct Report {
        var arrival: SimulatedThread.Time
        var flushed: LSN
    }

    let thread: SimulatedThread
    private(set) var history = SourceHistory()
    private(set) var slot: Slot?
    private var reader: Session?
    /// How often another history has taken the place of the one before.
    private(set) var timesReplaced = 0
    /// On their way.
    private var reports: [Report] = []
    private var sessions: [Session] = []
    private var lastXID: UInt32 = 700
    /// All transactions with changes for the stream that ever were, by their number.
    private(set) var transactions: [SourceTransaction] = []
    private var open: [(xid: UInt32, number: Int, rows: [(subxid: UInt32, text: String)])] = []
    private var lastNumber = 0

    init(_ thread: SimulatedThread) {
        self.thread = thread
    }

    func transaction(_ number: Int) -> SourceTransaction? {
        transactions.first { $0.number == number }
    }

    /// Of the transactions that end at or before it.
    func numbers(upTo end: LSN) -> [Int] {
        history.followed.filter { $0.endLSN <= end }.map(\.number)
    }

    // MARK: Writing

    private func append(_ kind: SourceRecord.Kind) -> SourceRecord {
        let start = history.written
        let end = LSN(rawValue: start.rawValue + UInt64(8 * thread.number(in: 2...8)))
        let record = SourceRecord(start: start, end: end, kind: kind)
        history.records.append(record)
        history.written = end
        return record
    }

    /// What the server does beside the stream.
    func writeOther() {
        _ = append(.other)
        if thread.once(in: 2) { flush() }
    }

    func flush() {
        history.flushed = history.written
        for session in sessions { wake(session) }
    }

    /// - Returns: Its transaction ID.
    func begin() -> UInt32 {
        lastXID += 1
        lastNumber += 1
        open.append((lastXID, lastNumber, []))
        return lastXID
    }

    var openTransactions: [UInt32] { open.map(\.xid) }

    /// - Parameter isSub: Within a subtransaction of its own, which is returned.
    @discardableResult
    func write(_ xid: UInt32, isSub: Bool = false, isFollowed: Bool = true) -> UInt32 {
        guard let index = open.firstIndex(where: { $0.xid == xid }) else { return xid }
        if isSub { lastXID += 1 }
        let subxid = isSub ? lastXID : xid
        let text = "\(open[index].number).\(history.written)"
        if isFollowed { open[index].rows.append((subxid, text)) }
        _ = append(.row(xid: xid, subxid: subxid, text: text, isFollowed: isFollowed))
        return subxid
    }

    func rollBack(_ xid: UInt32, to subxid: UInt32) {
        guard let index = open.firstIndex(where: { $0.xid == xid }) else { return }
        open[index].rows.removeAll { $0.subxid == subxid }
        _ = append(.rollBackTo(xid: xid, subxid: subxid))
    }

    func rollBack(_ xid: UInt32) {
        open.removeAll { $0.xid == xid }
        _ = append(.rollBack(xid: xid))
    }

    func commit(_ xid: UInt32) {
        guard let index = open.firstIndex(where: { $0.xid == xid }) else { return }
        let transaction = open.remove(at: index)
        let record = append(.commit(xid: xid, time: thread.now))
        if !transaction.rows.isEmpty {
            let known = SourceTransaction(
                number: transaction.number, predecessor: history.followed.last?.number ?? 0,
                rows: transaction.rows.map(\.text), commitLSN: record.start, endLSN: record.end)
            history.followed.append(known)
            transactions.append(known)
        }
        flush()
    }

    // MARK: Sessions

    func connect() -> Session {
        let session = Session()
        sessions.append(session)
        return session
    }

    func cut(_ session: Session) {
        session.isLost = true
        if reader === session { reader = nil }
        sessions.removeAll { $0 === session }
        wake(session)
    }

    func cutAll() {
        for session in sessions { cut(session) }
    }

    private func wake(_ session: Session) {
        if let waiter = session.waiter { thread.wake(waiter) }
    }

    // MARK: The slot

    func createSlot() -> LSN {
        // What is in progress is waited for.
        for transaction in open { rollBack(transaction.xid) }
        flush()
        slot = Slot(confirmed: history.flushed, saved: history.flushed)
        reports = []
        return history.flushed
    }

    func dropSlot() { slot = nil }

    /// As everybody sees it now.
    func currentSlot() -> Slot? {
        for report in reports where report.arrival <= thread.now { confirm(report.flushed) }
        reports.removeAll { $0.arrival <= thread.now }
        return slot
    }

    private func confirm(_ flushed: LSN) {
        guard let confirmed = slot?.confirmed, flushed > confirmed else { return }
        slot?.confirmed = flushed
    }

    var isSlotInUse: Bool { reader != nil }

    func start(_ session: Session, at position: LSN, streamsBeyond: Int?) {
        guard let slot = currentSlot() else { return }
        reader = session
        session.sender = Walsender(
            start: max(position, slot.confirmed), streamsBeyond: streamsBeyond)
    }

    func payload(_ session: Session) -> [UInt8]? {
        defer { session.asksForReply = false }
        return session.sender?.payload(history, asksForReply: session.asksForReply)
    }

    /// A status update leaves the client.
    func report(_ session: Session, flushed: LSN) {
        guard reader === session else { return }
        let arrival = thread.now + SimulatedThread.Time(thread.number(below: 20_000))
        reports.append(Report(arrival: max(arrival, reports.last?.arrival ?? 0), flushed: flushed))
    }

    // MARK: Faults

    func checkpoint() {
        guard let confirmed = currentSlot()?.confirmed else { return }
        slot?.saved = confirmed
    }

    /// It comes back with what was on its disk.
    func crash() {
        if let saved = currentSlot()?.saved { slot?.confirmed = saved }
        restart(with: history.cut(at: history.flushed))
    }

    /// A standby takes its place that has all before `end`, and the slot as it was saved.
    func failOver(at end: LSN) {
        var next = history.cut(at: max(end, slot?.saved ?? .zero))
        next.timeline += 1
        next.branch = next.written
        if let saved = slot?.saved { slot?.confirmed = saved }
        timesReplaced += 1
        restart(with: next)
    }

    /// A copy of its disk.
    struct Copy {
        fileprivate var history: SourceHistory
        fileprivate var slot: Slot?
    }

    func copy() -> Copy {
        var copy = Copy(history: history.cut(at: history.flushed), slot: currentSlot())
        if let saved = copy.slot?.saved { copy.slot?.confirmed = saved }
        return copy
    }

    func restore(_ copy: Copy) {
        slot = copy.slot
        timesReplaced += 1
        restart(with: copy.history)
    }

    func loseSlot() { slot?.isLost = true }

    private func restart(with next: SourceHistory) {
        reports = []
        open = []
        history = next
        cutAll()
    }
}
