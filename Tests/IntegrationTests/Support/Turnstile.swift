/// Lets a few tests at a time onto servers.
///
/// Swift Testing starts everything at once. On two cores, dozens of streams then wait for each other
/// until deadlines pass that are ample for one; and a shared server has slots for some only.
actor Turnstile {
    /// For streams of which the test kills, cuts or suspends something. Their suites are chains of
    /// one test after the other, so they go beside the many short ones instead of behind them.
    static let faults = Turnstile(places: 3)
    /// For all others.
    static let pairs = Turnstile(places: 4)

    private var free: Int
    private var urgent: [CheckedContinuation<Void, Never>] = []
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private init(places: Int) {
        free = places
    }

    /// The right to use the servers; it ends with the last reference.
    final class Pass: Sendable {
        private let turnstile: Turnstile

        fileprivate init(_ turnstile: Turnstile) {
            self.turnstile = turnstile
        }

        deinit {
            Task { [turnstile] in await turnstile.leave() }
        }
    }

    /// - Parameter first: Before those that are waiting: a long test that comes last would be
    ///   what everybody waits for at the end.
    func pass(first: Bool = false) async -> Pass {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { continuation in
                if first { urgent.append(continuation) } else { waiting.append(continuation) }
            }
        }
        return Pass(self)
    }

    fileprivate func leave() {
        if !urgent.isEmpty { return urgent.removeFirst().resume() }
        if !waiting.isEmpty { return waiting.removeFirst().resume() }
        free += 1
    }
}
