extension Halt {
    /// What whoever catches a halt may do about it. Most are only for a person.
    public enum Kind: Sendable, Equatable {
        /// It needs a person, whoever catches it.
        case other
        /// A change does not fit the target, and stays unapplied.
        case change
        /// What a stream or a slot needs is not on the source any more.
        case lost
        /// A server cannot be reached, or does not answer what it was asked.
        case server
        /// Somebody else uses the slot.
        case slotInUse
        /// Nobody has said by which publication a slot is read.
        case publicationUnknown
    }
}

extension Halt.Kind {
    /// Two exit codes have a kind of their own.
    init(_ exitCode: ExitCode) {
        self =
            switch exitCode {
            case .stoppedOnChange: .change
            case .positionMismatch: .lost
            case .done, .internalError, .configuration, .source, .target, .differencesFound,
                .preflight, .localDisk, .usage, .interrupted:
                .other
            }
    }
}
