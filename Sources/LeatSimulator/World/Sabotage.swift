/// What a part of Leat might do wrong. With each of them a promise is broken sooner or later; that the
/// simulation notices is what makes its silence worth something.
package enum Sabotage: String, CaseIterable, Sendable {
    /// An asynchronous commit is taken for a durable one.
    case confirmsBeforeItIsStored
    /// A position is said to be stored, and is not.
    case storesNothing
    /// What was received is confirmed.
    case confirmsWhatIsReceived
    /// `--hold-back` is not heeded.
    case forgetsToHoldBack
    /// The row of the stream is read and moved without a look at who else does.
    case skipsTheGuardOfThePosition
    /// The stream goes on from the slot's position, not from the target's.
    case goesOnFromTheSlot
    /// What is found at a start is not compared.
    case startsUnseen
    /// The slot is not looked at again once nobody else can move it.
    case skipsTheLookAtTheTakenSlot
    /// What comes from before the position is not compared.
    case skipsTheHistory
    /// What was kept of a streamed transaction until its commit is not all there.
    case forgetsWhatWasKept
    /// A piece of a transaction in progress is committed with what comes next.
    case commitsAPiece
    /// What was rolled back to a savepoint stays.
    case keepsWhatWasRolledBack
    /// Batches that are in flight are forgotten when an end is named.
    case forgetsWhatIsInFlight
    /// Two batches change places.
    case swapsBatches
    /// A batch is sent again because its answer was lost.
    case appliesAgainAfterALostAnswer
    /// What a refused try has done is not undone before the next.
    case goesOnWithoutUndoing
    /// A refused batch is left out.
    case leavesOutWhatWasRefused
    /// A lost connection needs a person.
    case haltsWhereItShouldTryAgain
    /// The source never hears how far the target is.
    case neverConfirms
    /// The rest of what was received is dropped by a stop.
    case stopsWithoutStoring
    /// A flow that is held goes on.
    case goesOnWhileHeld
    /// An archive's position is stored before the disk has what it speaks of.
    case confirmsBeforeTheDiskHasIt
    /// A file that a killed process has renamed is believed, and not synchronised.
    case trustsWhatWasRenamed
    /// A spool is begun anew, although the target is behind the slot.
    case forgetsTheSpool
    /// Segments are removed that the target still needs.
    case removesWhatIsStillNeeded
    /// The spool hears of what a crash of the target can still lose.
    case registersWhatIsNotDurable
}

extension Sabotage {
    /// Which promises it breaks: whatever is noticed first.
    package var promises: [Promise] {
        switch self {
        case .confirmsBeforeItIsStored, .storesNothing, .confirmsWhatIsReceived:
            [.confirmedIsStored, .confirmedIsOld]
        case .forgetsToHoldBack: [.confirmedIsOld]
        case .skipsTheGuardOfThePosition, .appliesAgainAfterALostAnswer, .goesOnWithoutUndoing:
            [.onceAndInOrder, .positionIsTheTruth]
        // Pieces of one transaction may be among them.
        case .swapsBatches: [.onceAndInOrder, .positionIsTheTruth, .neverHalf]
        case .leavesOutWhatWasRefused: [.onceAndInOrder, .positionIsTheTruth]
        // Its compare-and-set meets another position.
        case .goesOnFromTheSlot:
            [.onceAndInOrder, .positionIsTheTruth, .goesOn, .stopsForCause]
        case .startsUnseen, .skipsTheHistory:
            [.onceAndInOrder, .positionIsTheTruth, .nothingIsLost]
        // What the slot is past need not come, and would be missed.
        case .skipsTheLookAtTheTakenSlot:
            [.onceAndInOrder, .positionIsTheTruth, .nothingIsLost, .stopsForCause]
        case .forgetsWhatWasKept, .keepsWhatWasRolledBack: [.neverHalf]
        // And with it a position, before the transaction is there.
        case .commitsAPiece: [.neverHalf, .positionIsTheTruth]
        case .forgetsWhatIsInFlight: [.positionIsTheTruth, .confirmedIsStored, .confirmedIsOld]
        case .haltsWhereItShouldTryAgain: [.stopsForCause]
        case .neverConfirms: [.goesOn]
        case .stopsWithoutStoring: [.stopDrains]
        case .goesOnWhileHeld: [.holdsStill]
        case .confirmsBeforeTheDiskHasIt, .trustsWhatWasRenamed: [.confirmedIsStored]
        case .forgetsTheSpool: [.onceAndInOrder, .positionIsTheTruth, .nothingIsLost]
        case .removesWhatIsStillNeeded: [.nothingIsLost]
        case .registersWhatIsNotDurable: [.confirmedIsStored, .confirmedIsOld]
        }
    }
}
