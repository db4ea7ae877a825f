import LeatCore
import Synchronization

/// A question before something is removed, asked once, and what became of it.
final class Consent: Sendable {
    private enum Answer { case none, yes, no, nobody }

    private let isGiven: Bool
    private let answer = Mutex(Answer.none)

    /// - Parameter isGiven: `--yes`.
    init(_ isGiven: Bool) {
        self.isGiven = isGiven
    }

    func ask(_ question: String) -> Bool {
        if isGiven { return true }
        let reply: Answer =
            switch Question.ask(question) {
            case true?: .yes
            case false?: .no
            case nil: .nobody
            }
        answer.withLock { $0 = reply }
        return reply == .yes
    }

    /// The command's end if it was asked and not given.
    func refusal(_ nothing: String) -> Halt? {
        switch answer.withLock({ $0 }) {
        case .none, .yes: nil
        case .no: Halt(.interrupted, nothing)
        case .nobody:
            Halt(
                .usage, "Nobody can be asked here: standard input is no terminal.",
                advice: "Add --yes.")
        }
    }
}
