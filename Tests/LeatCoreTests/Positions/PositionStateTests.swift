import LeatCore
import PGWire
import Testing

@Suite("Positions")
struct PositionStateTests {
    @Test("a later commit does not confirm an earlier one still in flight")
    func confirmsInOrder() {
        var state = PositionState(startingAt: 100, confirmed: 100)
        state.commitReceived(end: 200)
        state.commitReceived(end: 300)

        state.committed(through: 200, isDurable: true, at: .now)

        #expect(state.status(at: .now).flushed == 200)
        #expect(state.dueAtTick == nil)
    }
}
