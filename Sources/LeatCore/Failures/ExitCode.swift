/// The exit codes of every command. They are stable.
public enum ExitCode: Int32, Sendable {
    case done = 0
    case internalError = 1
    case configuration = 2
    case source = 3
    case target = 4
    case differencesFound = 5
    case preflight = 6
    case stoppedOnChange = 7
    case positionMismatch = 8
    case localDisk = 9
    case usage = 64
    case interrupted = 130
}
