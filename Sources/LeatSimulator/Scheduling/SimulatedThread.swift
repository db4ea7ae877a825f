internal import Glibc
internal import LeatTestSupport

/// The one thread of a simulation. Tasks run on it one job at a time, and which of those that could
/// go on does is drawn, as is whether time passes meanwhile. So everything follows from a seed:
///
/// - Nothing else runs: a job that comes from another thread (a task that slept by the machine's
///   clock, an executor of its own) ends the process, for it would come at another place next time.
/// - Time is a number, which moves when nobody can go on, and sometimes before.
/// - What is drawn is drawn from one generator, in the order of the jobs.
///
/// `Task.yield()` goes through the shared pool, so who gives way here uses ``giveWay()``.
// SAFETY: all of its state is touched by the thread that made it alone; `enqueue` checks.
final class SimulatedThread: TaskExecutor, @unchecked Sendable {
    /// Microseconds since the beginning.
    typealias Time = Int64

    /// Why ``run(steps:until:)`` has returned.
    enum Ending: Equatable {
        case over
        /// Nobody can go on, and nobody sleeps.
        case standsStill
        /// It has taken more steps than it may.
        case tooLong
    }

    private struct Sleeper {
        var id: Int
        var deadline: Time
        var continuation: UnsafeContinuation<Void, Never>
    }

    /// What may pass while somebody could go on.
    private static let longestStep: Time = 20_000

    private let owner = pthread_self()
    private var jobs: [UnownedJob] = []
    private var waiting: [UnsafeContinuation<Void, Never>] = []
    private var sleepers: [Sleeper] = []
    private var lastID = 0
    private var random: SeededGenerator
    private(set) var now: Time = 0
    private(set) var steps = 0
    /// Called before that step.
    private var alarm: (step: Int, body: () -> Void)?

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        precondition(
            pthread_equal(owner, pthread_self()) != 0,
            "a job of the simulation comes from another thread")
        jobs.append(UnownedJob(job))
    }

    /// Changes with anything that was drawn, and with the time.
    var digest: UInt64 {
        var copy = random
        return copy.next() &+ UInt64(truncatingIfNeeded: now) &* 31 &+ UInt64(steps)
    }

    // MARK: Drawing

    func number(below count: Int) -> Int {
        Int(truncatingIfNeeded: random.next() % UInt64(count))
    }

    func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + number(below: range.count)
    }

    /// True once in `count` times.
    func once(in count: Int) -> Bool { number(below: count) == 0 }

    // MARK: Waiting

    /// Lets others go first, perhaps.
    func giveWay() async {
        await withUnsafeContinuation { waiting.append($0) }
    }

    /// - Throws: `CancellationError`, at once when the task is cancelled.
    func sleep(_ duration: Time) async throws {
        try await sleep(until: now + duration, id: nextID())
    }

    func nextID() -> Int {
        lastID += 1
        return lastID
    }

    /// - Parameter id: For ``wake(_:)``.
    func sleep(until deadline: Time, id: Int) async throws {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume() }
                sleepers.append(
                    Sleeper(id: id, deadline: deadline, continuation: continuation))
            }
        } onCancel: {
            wake(id)
        }
        try Task.checkCancellation()
    }

    func wake(_ id: Int) {
        guard let index = sleepers.firstIndex(where: { $0.id == id }) else { return }
        sleepers.remove(at: index).continuation.resume()
    }

    // MARK: Running

    /// Has `body` called between two jobs, so many steps from now.
    func ring(after steps: Int, _ body: @escaping () -> Void) {
        alarm = (self.steps + steps, body)
    }

    /// Runs jobs until it is over.
    func run(steps limit: Int, until isOver: () -> Bool) -> Ending {
        let last = steps + limit
        while !isOver() {
            guard steps < last else { return .tooLong }
            if let alarm, steps >= alarm.step {
                self.alarm = nil
                alarm.body()
            } else if jobs.isEmpty, waiting.isEmpty {
                guard passTime(atMost: .max) else { return .standsStill }
            } else if once(in: 16) {
                passTime(atMost: SimulatedThread.longestStep)
            } else {
                step()
            }
        }
        return .over
    }

    private func step() {
        steps += 1
        let index = number(below: jobs.count + waiting.count)
        guard index < jobs.count else {
            let place = index - jobs.count
            waiting.swapAt(place, waiting.count - 1)
            return waiting.removeLast().resume()
        }
        jobs.swapAt(index, jobs.count - 1)
        jobs.removeLast().runSynchronously(on: asUnownedTaskExecutor())
    }

    /// To the next who wakes up. False if nobody does so soon.
    @discardableResult
    private func passTime(atMost limit: Time) -> Bool {
        guard var next = sleepers.indices.first else { return false }
        for index in sleepers.indices where sleepers[index].deadline < sleepers[next].deadline {
            next = index
        }
        guard sleepers[next].deadline - now <= limit else { return false }
        let sleeper = sleepers.remove(at: next)
        now = max(now, sleeper.deadline)
        sleeper.continuation.resume()
        return true
    }
}
