import Foundation

/// How a program is started.
struct SpawnOptions {
    /// The whole environment.
    var environment: [String: String]
    /// A descriptor for standard input; otherwise the file at `inputPath`.
    var input: Int32?
    var inputPath: String?
    var outputPath: String?
    var errorPath: String?
    /// Where it runs; our own folder when nil.
    var folder: String?
    /// Whether the terminal's signals pass it by.
    var ownSession = false
}

/// Starts a program with the signals' usual meaning. Whatever else we hold open is close-on-exec.
///
/// Not Foundation's `Process`: it cannot tell us of an end without a race for the process's id, and
/// cannot start a session.
///
/// - Returns: The process's id, to be reaped by the caller.
func spawn(
    _ executable: String, arguments: [String], options: SpawnOptions
) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input = options.input {
        posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
        let path = options.inputPath ?? "/dev/null"
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
    }
    for (descriptor, path) in [(Int32(1), options.outputPath), (2, options.errorPath)] {
        posix_spawn_file_actions_addopen(
            &actions, descriptor, path ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o644)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var all = sigset_t()
    sigfillset(&all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    // What glibc's spawn could do by itself, Swift's Glibc module does not show.
    let inSession = options.ownSession ? ["setsid"] : []
    let inFolder = options.folder.map { ["env", "--chdir=\($0)"] } ?? []
    let command = inSession + inFolder + [executable] + arguments
    let words = CStrings(command)
    let variables = CStrings(options.environment.map { "\($0)=\($1)" })
    var processID: pid_t = 0
    let result = posix_spawnp(
        &processID, command[0], &actions, &attributes, words.pointers, variables.pointers)
    guard result == 0 else {
        throw TestSupportError("Cannot start \(executable): \(String(cString: strerror(result)))")
    }
    return processID
}

/// This process's environment without what libpq would take from it.
func childEnvironment() -> [String: String] {
    ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
        .merging(["LC_ALL": "C.UTF-8"]) { $1 }
}

/// Blocks until the child has ended, and leaves it to be reaped.
func awaitEnd(of processID: Int32) {
    var information = siginfo_t()
    while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
}

/// Reaps a child that has ended.
func reap(_ processID: Int32) -> ProcessExit {
    var status: Int32 = 0
    while waitpid(processID, &status, 0) != processID, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
}

/// A null-terminated array of C strings.
private final class CStrings {
    private(set) var pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) {
        pointers = strings.map { strdup($0) } + [nil]
    }

    deinit {
        for pointer in pointers { free(pointer) }
    }
}
