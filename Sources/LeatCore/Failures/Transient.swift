public import PGWire

/// Which of the server's errors pass by themselves. Nothing else reads SQLSTATEs for that.
public enum Transient {
    /// Conditions of a moment.
    private static let states: Set<SQLState> = [
        .adminShutdown,
        .crashShutdown,
        .cannotConnectNow,
        .serializationFailure,
        .deadlockDetected,
        .queryCanceled,  // by somebody else than us
        .objectInUse,  // the slot or origin is still held by our dead predecessor
        .lockNotAvailable,
    ]

    /// Insufficient resources are such as a full disk.
    private static let classes: Set<SQLState.Class> = [
        .connectionException, .insufficientResources,
    ]

    /// Such as no free replication slot: it needs a person.
    private static let lasting: Set<SQLState> = [.configurationLimitExceeded]

    /// What fewer changes at once may not meet: memory is also the table of locks,
    /// of which a target transaction that stands for many of the source's takes more than each.
    public static func isOfSize(sqlState: SQLState) -> Bool { sqlState == .outOfMemory }

    public static func isTransient(sqlState: SQLState) -> Bool {
        !lasting.contains(sqlState)
            && (states.contains(sqlState) || classes.contains(sqlState.conditionClass))
    }
}
