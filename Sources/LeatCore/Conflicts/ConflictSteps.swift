/// In which steps the changes of a transaction are tried once one of them has met a conflict.
///
/// Each step runs behind a savepoint. A step that fails is rolled back and tried again up to the
/// change that failed, and that change is then resolved by itself. Steps begin small after a
/// conflict and grow while nothing fails, so that a transaction of conflicts alone does not send
/// its changes again and again.
public struct ConflictSteps: Sendable {
    private let end: Int
    private var first: Int
    private var size: Int
    /// A change that failed: no step reaches beyond its beginning.
    private var culprit: Int?

    private static let mostChanges = 512

    public init(_ changes: Range<Int>) {
        first = changes.lowerBound
        end = changes.upperBound
        size = ConflictSteps.mostChanges
    }

    /// The changes to try now; nil once all are through.
    public var next: Range<Int>? {
        guard first < end else { return nil }
        guard let culprit, culprit >= first else { return first..<min(first + size, end) }
        return culprit == first ? first..<(first + 1) : first..<culprit
    }

    /// The step was applied, or its one change resolved.
    public mutating func stepEnded() {
        guard let step = next else { preconditionFailure("there is no step") }
        first = step.upperBound
        size = min(size * 2, ConflictSteps.mostChanges)
    }

    /// A change of the step failed and the step was rolled back.
    ///
    /// - Returns: Whether it is to be resolved now, as a step of its own: nothing of the step
    ///   comes before it.
    public mutating func changeFailed(_ index: Int) -> Bool {
        guard let step = next, step.contains(index) else {
            preconditionFailure("only a change of the step can fail in it")
        }
        culprit = index
        size = 1
        return index == step.lowerBound
    }
}
