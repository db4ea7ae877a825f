import Foundation

/// User and system time so far, of this process and of a walsender.
struct ProcessorTime {
    var wall = ContinuousClock.now
    var own: Duration = .zero
    /// Nil if it does not run on this machine.
    var walsender: Duration?

    init() {}

    init(walsender process: Int?) {
        own = Self.own
        walsender = process.flatMap(Self.processorTime(of:))
    }

    /// Of this process alone.
    static var own: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// `schedstat` has nanoseconds, where the kernel keeps it; `stat` has clock ticks.
    private static func processorTime(of process: Int) -> Duration? {
        guard let name = text("/proc/\(process)/comm"), name.hasPrefix("postgres") else {
            return nil
        }
        if let first = text("/proc/\(process)/schedstat")?.split(separator: " ").first,
            let nanoseconds = Int64(first), nanoseconds > 0
        {
            return .nanoseconds(nanoseconds)
        }
        // The second field is a name in parentheses, which may hold spaces.
        guard let stat = text("/proc/\(process)/stat"), let end = stat.lastIndex(of: ")") else {
            return nil
        }
        let fields = stat[end...].split(separator: " ").dropFirst()
        let ticks = fields.dropFirst(11).prefix(2).compactMap { Int64($0) }
        guard ticks.count == 2 else { return nil }
        return .seconds(1) * (ticks[0] + ticks[1]) / sysconf(Int32(_SC_CLK_TCK))
    }

    private static func text(_ path: String) -> String? {
        (try? Data(contentsOf: URL(fileURLWithPath: path)))
            .map { String(decoding: $0, as: UTF8.self) }
    }
}
