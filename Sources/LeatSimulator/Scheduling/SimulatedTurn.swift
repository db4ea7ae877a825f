/// One at a time: what an actor with blocking calls is to those who wait for it.
// SAFETY: of the simulation's one thread.
final class SimulatedTurn: @unchecked Sendable {
    private var isTaken = false
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    func take() async {
        while isTaken {
            await withUnsafeContinuation { waiting.append($0) }
        }
        isTaken = true
    }

    func giveBack() {
        isTaken = false
        let all = waiting
        waiting = []
        for continuation in all { continuation.resume() }
    }
}
