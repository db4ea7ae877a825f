import LeatTestSupport

/// Some histories that run one after the other, and what Leat does meanwhile.
///
/// It decides how much Leat applies at once: transaction by transaction as they are committed, or
/// all of a backlog in batches as large as they get.
struct HistoryRound: Sendable {
    enum Pace: Sendable, Equatable {
        /// Follows while they run.
        case trickle
        /// Stands still (SIGSTOP), and goes on when all is committed.
        case backlog
        /// Is stopped or killed before, and started with these options when all is committed.
        case restart(killed: Bool, options: [String])
    }

    var histories: [History]
    var pace: Pace

    /// - Parameter options: Of which a restart takes one each.
    static func random(
        _ generator: inout HistoryGenerator, count: Int, options: [[[String]]],
        using random: inout SeededGenerator
    ) -> Self {
        let histories = (0..<count).map { _ in generator.next() }
        let pace: Pace =
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5: .trickle
            case 5..<8: .backlog
            default:
                .restart(
                    killed: random.once(in: 2),
                    options: options.flatMap { $0.randomElement(using: &random) ?? [] })
            }
        return Self(histories: histories, pace: pace)
    }
}
