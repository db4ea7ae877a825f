/// What the source's users do: transactions, small ones and large ones side by side, and what is none
/// of the stream's.
struct Workload {
    let world: World
    private var thread: SimulatedThread { world.thread }
    private var source: SourceServer { world.source }

    func run() async throws {
        var left = world.schedule.transactions
        while left > 0 {
            try await thread.sleep(SimulatedThread.Time(thread.number(below: 120_000)))
            switch thread.number(below: 8) {
            case 0: source.writeOther()
            case 1: other()
            case 2: source.checkpoint()
            case 3, 4:
                if goOnWithLarge() { left -= 1 }
            default:
                small()
                left -= 1
            }
        }
        for xid in source.openTransactions { end(xid) }
        source.writeOther()
        source.flush()
    }

    private func small() {
        let xid = source.begin()
        for _ in 0..<thread.number(in: 1...3) { source.write(xid) }
        if thread.once(in: 4) { source.write(xid, isFollowed: false) }
        end(xid)
    }

    private func other() {
        let xid = source.begin()
        source.write(xid, isFollowed: false)
        end(xid)
    }

    /// - Returns: Whether a transaction has ended.
    private func goOnWithLarge() -> Bool {
        let open = source.openTransactions
        guard open.count < 3 else {
            end(open[thread.number(below: open.count)])
            return true
        }
        let xid = thread.once(in: 2) ? source.begin() : open.last ?? source.begin()
        for _ in 0..<thread.number(in: 1...4) { source.write(xid) }
        guard thread.once(in: 2) else { return false }
        let subxid = source.write(xid, isSub: true)
        if thread.once(in: 2) { source.rollBack(xid, to: subxid) }
        return false
    }

    private func end(_ xid: UInt32) {
        if thread.once(in: 6) { source.rollBack(xid) } else { source.commit(xid) }
    }
}
