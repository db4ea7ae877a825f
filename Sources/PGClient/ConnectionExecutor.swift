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

    /// Nil if the system allows no thread for it.
    private let worker: Worker?

    /// - Parameters:
    ///   - label: The thread's name; the system keeps 15 characters.
    ///   - manner: How it is scheduled.
    ///
    /// Where the system allows no more threads, the jobs go to another connection's: enough to say so,
    /// for no ``Session`` is opened there.
    public init(label: String, manner: Manner = .asUsual) {
        let own = Worker(label: label, manner: manner)
        worker = own.start() ? own : nil
    }

    deinit {
        worker?.stop()
    }

    /// Whether the job that runs just now has its thread for itself, and may wait there.
    static var mayWait: Bool { pthread_getspecific(Worker.borrowing) == nil }

    /// Runs the job on the connection's thread, behind those that came before.
    public func enqueue(_ job: consuming ExecutorJob) {
        let item = Worker.Item(
            job: UnownedJob(job), executor: self, isForeign: worker == nil)
        if let worker { worker.add(item) } else { Worker.lend(item) }
    }

    /// Traps on any other thread.
    public func checkIsolated() {
        precondition(
            worker.map(\.isCurrent) ?? !ConnectionExecutor.mayWait,
            "not on the connection's thread")
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
    struct Item {
        var job: UnownedJob
        /// Kept for as long as a job of it is there.
        var executor: ConnectionExecutor
        /// It has no thread of its own.
        var isForeign: Bool
    }

    /// Those that run, for executors that get none.
    private static let running = Mutex<[Worker]>([])

    /// Set on a thread while it runs a job of another one's.
    static let borrowing: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0, "no key left for a thread")
        return key
    }()

    private static var mark: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

    /// Has a job done by the thread that has been there longest. A process that gets no thread at
    /// all cannot even say so.
    static func lend(_ item: Item) {
        running.withLock { running in
            precondition(!running.isEmpty, "no thread left for a connection")
            running[0].add(item)
        }
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

    /// - Returns: Whether the system allows one more thread.
    func start() -> Bool {
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
        guard result == 0 else {
            Unmanaged<Worker>.fromOpaque(argument).release()
            return false
        }
        pthread_detach(thread)
        Worker.running.withLock { $0.append(self) }
        return true
    }

    func add(_ item: Item) {
        state.withLock { $0.items.append(item) }
        wakeup.signal()
    }

    func stop() {
        Worker.running.withLock { $0.removeAll { $0 === self } }
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
                // Any address will do.
                if item.isForeign { pthread_setspecific(Worker.borrowing, Worker.mark) }
                defer { if item.isForeign { pthread_setspecific(Worker.borrowing, nil) } }
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
