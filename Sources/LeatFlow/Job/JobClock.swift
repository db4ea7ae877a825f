/// The clock of a job: the machine's, or one that a simulation moves by hand.
///
/// Its instants are those of the machine's clock, so that what is decided by time (`PositionState`,
/// `Retries`) takes a plain value. Nothing asks it more than a few times a batch.
public protocol JobClock: Clock where Instant == ContinuousClock.Instant {}

extension ContinuousClock: JobClock {}
