public import PGWire
internal import Synchronization

/// A place of a stream at which its flow stands still while somebody looks at what is there: the sink
/// has every transaction that ends at or before it, durably, and none behind it.
///
/// What a crash leaves: nothing is kept of it. The position is stored before the flow stands still, as
/// any other; the next start goes on from there, held or not.
///
/// Two tasks of the flow are in it. The one that takes batches applies what ends at or before the place,
/// and goes no further (`arrive(before:position:)`). The one that stores positions stores the place, and says that it is
/// held. Where nothing comes behind the place, the second does it alone, once the source has named it.
public final class HoldPoint: Sendable {
    /// Why nothing was held.
    public enum Failure: Error, Equatable {
        /// The flow is further than the place.
        case passed(LSN)
        /// The flow has ended before it.
        case ended
        /// Somebody else holds it, or waits to.
        case taken
    }

    private enum Phase: Equatable {
        case free
        /// Somebody waits for the place.
        case wanted(LSN)
        /// All before it is applied; what comes behind it waits. It is stored where the next commit
        /// begins, if that is before the place.
        case arrived(LSN)
        /// And stored.
        case held
        case passed(LSN)
        case ended
    }

    private let phase = Mutex(Phase.free)
    private let decided = Bell()
    private let released = Bell()
    /// Wakes the task that stores positions.
    private let storing: Bell

    init(ringing storing: Bell) {
        self.storing = storing
    }

    // MARK: Who wants to hold it

    /// Waits until everything that ends at or before `place` is stored, runs `body` while nothing else
    /// is applied, and lets the flow go on, however `body` ends.
    ///
    /// For a task beside the flow. A body that takes long keeps the source's WAL, and delays a stop.
    ///
    /// - Throws: ``Failure``, what `body` throws, or `CancellationError`.
    @discardableResult
    public func hold<Value>(at place: LSN, _ body: () async throws -> Value) async throws -> Value {
        let isFree = phase.withLock { phase in
            guard phase == .free else { return false }
            phase = .wanted(place)
            return true
        }
        guard isFree else { throw isEnded ? Failure.ended : .taken }
        defer { release() }
        storing.ring()
        while true {
            switch phase.withLock({ $0 }) {
            case .held: return try await body()
            case .passed(let position): throw Failure.passed(position)
            case .ended, .free: throw Failure.ended
            case .wanted, .arrived: try await decided.wait()
            }
        }
    }

    private var isEnded: Bool { phase.withLock { $0 == .ended } }

    private func release() {
        phase.withLock { phase in
            if phase != .ended { phase = .free }
        }
        released.ring()
    }

    // MARK: The flow

    /// Where to stop, if somebody wants that, or holds it.
    var place: LSN? {
        phase.withLock { phase in
            switch phase {
            case .wanted(let place), .arrived(let place): place
            // What is held is behind every place.
            case .held: .zero
            case .free, .passed, .ended: nil
            }
        }
    }

    /// Everything that ends at or before the place is applied, and more has come. Returns once the
    /// flow may go on, to the next place if there is one.
    ///
    /// - Parameters:
    ///   - next: Where the commit record of what has come begins. The place may lie within that
    ///     record, and a server leaves out what began to commit before the position it is asked for.
    ///   - position: What the sink has: it may be beyond a place that was named just now.
    func arrive(before next: LSN, position: LSN) async throws {
        phase.withLock { phase in
            guard case .wanted(let place) = phase else { return }
            phase = position > place ? .passed(position) : .arrived(min(place, next))
        }
        decided.ring()
        storing.ring()
        while isStanding { try await released.wait() }
    }

    private var isStanding: Bool {
        phase.withLock { phase in
            switch phase {
            case .arrived, .held: true
            case .free, .wanted, .passed, .ended: false
            }
        }
    }

    /// The place that is to be stored now, if there is one.
    ///
    /// - Parameters:
    ///   - position: What the sink has.
    ///   - idleEnd: The furthest end that the source has named, or the position if that is beyond it;
    ///     nil while anything is in flight, for that may have passed the place already.
    func due(position: LSN, idleEnd: LSN?) -> LSN? {
        phase.withLock { phase in
            switch phase {
            case .arrived(let place): return place
            case .wanted(let place) where position > place:
                phase = .passed(position)
                decided.ring()
                return nil
            case .wanted(let place):
                return idleEnd.map { $0 >= place } == true ? place : nil
            case .free, .held, .passed, .ended: return nil
            }
        }
    }

    /// The place is stored; perhaps nobody waits for it any more.
    func stored(_ place: LSN) {
        phase.withLock { phase in
            if phase == .wanted(place) || phase == .arrived(place) { phase = .held }
        }
        decided.ring()
    }

    /// The flow has ended.
    func end() {
        phase.withLock { $0 = .ended }
        decided.ring()
        released.ring()
    }
}
