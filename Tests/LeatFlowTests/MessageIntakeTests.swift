import LeatCore
@testable import LeatFlow
import PGWire
import Testing

@Suite("What each message of a slot's stream does")
struct MessageIntakeTests {
    @Test("a slot that was moved beyond the position while it was taken is looked at anew")
    func movedWhileTaken() throws {
        let positions = SharedPosition(PositionState(startingAt: 200, confirmed: 150))
        var intake = MessageIntake(
            TransactionAssembler(
                decoder: MessageDecoder(protocolVersion: 2, parallelStreaming: false),
                tables: .everything, position: 200), positions: positions)

        try intake.slotTaken(confirmed: 200)

        // The server would send nothing of what lies between.
        #expect(throws: Restart.self) { try intake.slotTaken(confirmed: 201) }
    }
}
