@testable import LeatCore
import PGWire
import Testing

@Suite("Positions")
struct PositionStateTests {
    private let now = ContinuousClock.now

    @Test("the worked example of the documentation holds")
    func workedExample() {
        var state = PositionState(startingAt: 0x100, confirmed: 0x100)

        state.commitReceived(end: 0x200)
        #expect(state.status(at: now).flushed == 0x100)
        state.keepaliveReceived(walEnd: 0x280)
        #expect(state.dueAtTick == nil)
        state.committed(through: 0x200, isDurable: false, at: now)
        #expect(state.status(at: now) == .init(written: 0x280, flushed: 0x100, applied: 0x100))
        #expect(state.dueAtTick == 0x280)
        state.committed(through: 0x280, isDurable: true, at: now)
        #expect(state.status(at: now) == .init(written: 0x280, flushed: 0x280, applied: 0x280))
    }

    @Test("a later commit does not confirm an earlier one still in flight")
    func confirmsInOrder() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 200)
        state.commitReceived(end: 300)

        state.committed(through: 200, isDurable: true, at: now)

        #expect(state.status(at: now).flushed == 200)
        #expect(state.dueAtTick == nil)
    }

    @Test("an asynchronous commit is not confirmed; a synchronous one confirms those before it")
    func confirmsWhatIsDurable() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 200)
        state.commitReceived(end: 300)

        state.committed(through: 200, isDurable: false, at: now)
        #expect(state.position == 200 && state.durable == 100)
        #expect(state.status(at: now).flushed == 100)
        state.committed(through: 300, isDurable: true, at: now)

        #expect(state.durable == 300)
        #expect(state.status(at: now).flushed == 300)
    }

    @Test("a synchronous commit told after a later asynchronous one does not vouch for it")
    func toldOutOfOrder() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 300)
        state.committed(through: 300, isDurable: false, at: now)

        state.committed(through: 200, isDurable: true, at: now)

        #expect(state.position == 300 && state.durable == 200)
        #expect(state.status(at: now).flushed == 200)
        #expect(state.dueAtDrain == 300)
    }

    @Test("what is committed and not durable is due at the end of a drain, and only that")
    func dueAtDrain() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 200)
        state.commitReceived(end: 300)
        #expect(state.dueAtDrain == nil)

        state.committed(through: 200, isDurable: false, at: now)

        #expect(state.dueAtDrain == 200)
        #expect(state.dueAtTick == 200)
        state.committed(through: 200, isDurable: true, at: now)
        #expect(state.dueAtDrain == nil)
    }

    @Test("a keepalive is not stored while a transaction is in flight, open or not applied")
    func waitsForWhatIsInFlight() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.keepaliveReceived(walEnd: 150)
        #expect(state.isIdle && state.dueAtTick == 150)

        state.transactionBegan()
        state.keepaliveReceived(walEnd: 180)
        #expect(!state.isIdle && state.dueAtTick == nil)
        state.commitReceived(end: 200)
        #expect(!state.isIdle && state.dueAtTick == nil)
        state.committed(through: 200, isDurable: true, at: now)

        #expect(state.isIdle && state.dueAtTick == nil)
    }

    @Test("the end of an idle stream is due at once, unless something waits for the disk anyway")
    func dueWhenQuiet() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.keepaliveReceived(walEnd: 150)
        #expect(state.dueWhenQuiet == 150)

        state.commitReceived(end: 200)
        #expect(state.dueWhenQuiet == nil)
        state.committed(through: 200, isDurable: false, at: now)
        state.keepaliveReceived(walEnd: 250)
        #expect(state.dueWhenQuiet == nil && state.dueAtTick == 250)
        state.committed(through: 200, isDurable: true, at: now)
        #expect(state.dueWhenQuiet == 250)

        state.committed(through: 250, isDurable: true, at: now)
        #expect(state.dueWhenQuiet == nil)
    }

    @Test("between Begin and Commit only what is committed already is due")
    func openTransaction() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 200)
        state.committed(through: 200, isDurable: false, at: now)

        state.transactionBegan()
        state.keepaliveReceived(walEnd: 900)

        #expect(state.dueAtTick == 200)
    }

    @Test("an empty transaction moves the position at the next tick, and not before")
    func emptyTransactions() {
        var state = PositionState(startingAt: 100, confirmed: 100)

        state.transactionBegan()
        state.emptyCommitReceived(end: 200)

        #expect(state.isIdle && state.position == 100)
        #expect(state.status(at: now) == .init(written: 200, flushed: 100, applied: 100))
        #expect(state.dueAtTick == 200)
    }

    @Test("an empty transaction behind one in flight does not make the stream idle")
    func emptyBehindOther() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 200)

        state.transactionBegan()
        state.emptyCommitReceived(end: 300)

        #expect(!state.isIdle && state.dueAtTick == nil)
    }

    @Test("a connection confirms nothing above what its server has named")
    func neverAboveHeard() {
        var state = PositionState(startingAt: 500, confirmed: 100)
        state.committed(through: 500, isDurable: true, at: now)
        #expect(state.status(at: now) == .init(written: 100, flushed: 100, applied: 100))

        state.keepaliveReceived(walEnd: 300)
        #expect(state.status(at: now).flushed == 300)
        state.keepaliveReceived(walEnd: 700)

        #expect(state.status(at: now) == .init(written: 700, flushed: 500, applied: 500))
    }

    @Test("neither positions nor what is confirmed ever go back")
    func neverBack() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 300)
        state.committed(through: 300, isDurable: true, at: now)
        _ = state.status(at: now)

        state.keepaliveReceived(walEnd: 50)
        state.commitReceived(end: 60)
        state.committed(through: 60, isDurable: true, at: now)

        #expect(state.position == 300 && state.durable == 300 && state.heard == 300)
        #expect(state.status(at: now) == .init(written: 300, flushed: 300, applied: 300))
    }

    @Test("a slot that claims more than the position is not believed")
    func confirmedAboveThePosition() {
        var state = PositionState(startingAt: 100, confirmed: 400)

        #expect(state.status(at: now).flushed == 100)
    }

    @Test("there is something unconfirmed until the server was told of the last commit")
    func hasUnconfirmed() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        #expect(!state.hasUnconfirmed)

        state.commitReceived(end: 200)
        #expect(state.hasUnconfirmed)
        state.committed(through: 200, isDurable: true, at: now)
        #expect(state.hasUnconfirmed)
        _ = state.status(at: now)

        #expect(!state.hasUnconfirmed)
    }

    @Test("a stored position that a predecessor left is confirmed after a commit of our own")
    func predecessor() {
        var state = PositionState(startingAt: 500, confirmed: 100)
        state.keepaliveReceived(walEnd: 500)
        #expect(state.status(at: now).flushed == 100)
        #expect(state.dueAtTick == 500 && state.dueAtDrain == 500)

        state.committed(through: 500, isDurable: true, at: now)

        #expect(state.status(at: now).flushed == 500)
        #expect(state.dueAtTick == nil && !state.hasUnconfirmed)
    }

    @Test("with a hold-back also the position of the start is confirmed in its time")
    func holdsBackTheStart() {
        var state = PositionState(startingAt: 500, confirmed: 100, holdBack: .seconds(60))
        state.keepaliveReceived(walEnd: 500)
        state.committed(through: 500, isDurable: true, at: now)

        #expect(state.status(at: now + .seconds(59)).flushed == 100)
        #expect(state.status(at: now + .seconds(60)).flushed == 500)
    }

    @Test("with a hold-back only what was stored that long ago is confirmed")
    func holdsBack() {
        var state = PositionState(startingAt: 100, confirmed: 100, holdBack: .seconds(60))
        state.commitReceived(end: 200)
        state.committed(through: 200, isDurable: true, at: now)
        state.commitReceived(end: 300)
        state.committed(through: 300, isDurable: true, at: now + .seconds(30))

        #expect(state.status(at: now + .seconds(59)).flushed == 100)
        #expect(state.status(at: now + .seconds(60)).flushed == 200)
        #expect(state.status(at: now + .seconds(89)).flushed == 200)
        #expect(state.status(at: now + .seconds(90)).flushed == 300)
    }
}
