/// What `Docs/consistency.md` promises, each as something that is looked at while a simulation runs.
package enum Promise: String, CaseIterable, Sendable {
    /// What is confirmed to the source is on the target's disk: "What is confirmed to the source".
    case confirmedIsStored
    /// With `--hold-back`, it was there that long ago.
    case confirmedIsOld
    /// Each transaction that is committed on the target is the one behind the last: "Order".
    case onceAndInOrder
    /// What is committed of a transaction is all of it, without what was rolled back.
    case neverHalf
    /// The position says of each transaction whether it is on the target: "One truth".
    case positionIsTheTruth
    /// In the end the target has all that the source has: "What a crash leaves".
    case nothingIsLost
    /// A source or a target that is not the one of before ends it with exit code 8: "What a start
    /// requires", "A source that was restored". Nothing else does.
    case stopsForCause
    /// What was received before a stop is stored and confirmed after it.
    case stopDrains
    /// Whatever is lost comes back by itself.
    case goesOn
    /// At a hold point the target has what is before it, and nothing behind it.
    case holdsStill
}

/// A promise that was not kept.
package struct BrokenPromise: Error, Sendable, CustomStringConvertible {
    package var promise: Promise
    package var what: String

    package var description: String { "\(promise.rawValue): \(what)" }
}
