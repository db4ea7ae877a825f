import Glibc

/// Signals that end a process unless it says otherwise, and mean nothing to a stream: a terminal
/// that was closed, a service manager's reload, another tool's habit.
enum IgnoredSignals {
    /// `leat replay` then takes SIGUSR1 for itself.
    static func ignore() {
        for signal in [SIGHUP, SIGUSR1, SIGUSR2] { Glibc.signal(signal, SIG_IGN) }
    }
}
