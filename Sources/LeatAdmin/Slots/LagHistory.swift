public import PGWire

/// Where the end of the WAL was when: what is seen of it while it is watched says how old a
/// position is, without asking the server.
public struct LagHistory: Sendable {
    private struct Sample {
        var walEnd: LSN
        var time: Duration
    }

    /// Ascending in both. The first is the oldest.
    private var samples: [Sample] = []
    /// Of so many ends that were seen, one is kept; the last one always, until the next.
    private var stride = 1
    private var seen = 0
    private static let most = 4096

    public init() {}

    /// - Parameter time: Of a clock that only goes forward.
    public mutating func saw(_ walEnd: LSN, at time: Duration) {
        if let last = samples.last {
            // What was there then is known to be no younger.
            guard walEnd != last.walEnd else { return }
            // Back: another server answers now.
            if walEnd < last.walEnd { self = LagHistory() }
        }
        if seen % stride != 0 { samples.removeLast() }
        samples.append(Sample(walEnd: walEnd, time: time))
        seen += 1
        if samples.count > LagHistory.most { thin() }
    }

    /// At least so long ago the WAL just after `position` was there already; nil if that is not
    /// known.
    public func age(of position: LSN, at now: Duration) -> Duration? {
        samples.first { $0.walEnd > position }.map { now - $0.time }
    }

    /// Every other one, of those to come as well: evenly spread over the whole time.
    private mutating func thin() {
        samples = samples.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        stride *= 2
        seen = 0
    }
}
