internal import CLibpq
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Runs an actor on a thread of its own, so that a blocking wait in libpq never holds a thread of
/// Swift's shared pool.
///
/// Also the executor for a task whose work is for the most part the actor's: run there, it and the
/// actor call each other without a switch of threads.
public final class ConnectionExecutor: SerialExecutor, TaskExecutor {
    /// What the thread does when it is woken while another one is at work on its processor.
    public enum Manner: Sendable {
        /// Whatever the system thinks fair: often it runs at once.
        case asUsual
        /// It waits until the other one sleeps: Linux's `SCHED_BATCH`. For a reader whose server
        /// may run on the same processor, and would be stopped at every row it sends.
        case afterOthers
    }

    private let worker: Worker

    /// - Parameters:
    ///   - label: The thread's name; the system keeps 15 characters.
    ///   - manner: How it is scheduled.
    public init(label: String, manner: Manner = .asUsual) {
        worker = Worker(label: label, manner: manner)
        worker.start()
    }

    deinit {
        worker.stop()
    }

    /// Runs the job on the connection's thread, behind those that came before.
    public func enqueue(_ job: consuming ExecutorJob) {
        worker.add(UnownedJob(job), to: self)
    }

    /// Traps on any other thread.
    public func checkIsolated() {
        precondition(worker.isCurrent, "not on the connection's thread")
    }

    /// For an actor that lives on the thread.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    /// For a task that prefers the thread.
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }
}

/// The thread, and the jobs that wait for it.
private final class Worker: Sendable {
    private struct Item {
        var job: UnownedJob
        /// Kept for as long as a job of it is there.
        var executor: ConnectionExecutor
    }

    private struct State {
        var items: [Item] = []
        var thread: pthread_t?
        var isStopped = false
    }

    private let label: String
    private let manner: ConnectionExecutor.Manner
    private let state = Mutex(State())
    private let wakeup = DispatchSemaphore(value: 0)

    init(label: String, manner: ConnectionExecutor.Manner) {
        self.label = label
        self.manner = manner
    }

    var isCurrent: Bool {
        state.withLock { $0.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    func start() {
        // SAFETY: the thread takes over the reference that is retained here.
        let argument = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        precondition(
            result == 0, "no thread left for a connection: \(String(cString: strerror(result)))")
        pthread_detach(thread)
    }

    func add(_ job: UnownedJob, to executor: ConnectionExecutor) {
        state.withLock { $0.items.append(Item(job: job, executor: executor)) }
        wakeup.signal()
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.signal()
    }

    private func run() {
        leat_thread_begin(label, manner == .afterOthers ? 1 : 0)
        state.withLock { $0.thread = pthread_self() }
        var items: [Item] = []
        while true {
            wakeup.wait()
            // Nobody adds a job after the executor is gone.
            guard take(&items) else { return }
            for item in items {
                item.job.runSynchronously(
                    isolatedTo: item.executor.asUnownedSerialExecutor(),
                    taskExecutor: item.executor.asUnownedTaskExecutor())
            }
            items.removeAll(keepingCapacity: true)
        }
    }

    /// - Parameter items: Empty; what there is to do.
    /// - Returns: False at the end.
    private func take(_ items: inout [Item]) -> Bool {
        state.withLock { state in
            swap(&items, &state.items)
            return !(items.isEmpty && state.isStopped)
        }
    }
}
