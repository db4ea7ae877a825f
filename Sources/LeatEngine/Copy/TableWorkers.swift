internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging

/// One of several that work through tables: an actor on a thread and with sessions of its own.
protocol TableWorker: Closable {
    associatedtype Item: TableItem
    associatedtype Output: Sendable

    /// Opens what it works with. It is closed after that, however that ends.
    func connect() async throws
    func work(on item: Item) async throws -> TableOutcome<Output>
    /// Nothing is left in the queue.
    func finish() async throws
}

/// What there is to do of one table.
protocol TableItem: Sendable {
    var name: TableName { get }
    /// The largest is begun first: one that started last would be waited for.
    var sizeBytes: Int { get }
    /// For progress; 0 if nobody knows.
    var estimatedRows: Int { get }
}

/// What became of a table.
enum TableOutcome<Output: Sendable>: Sendable {
    case done(Output)
    /// Nothing of it was kept, and nothing can be under this snapshot.
    case left
    /// Nothing of it was kept; it is the last in the queue now.
    case putBack
}

/// Works through tables with several workers, the largest first: the copy, a base, its restoration.
///
/// Each worker is opened, takes tables until there are none, is finished, and is closed however that
/// ends. The first that fails ends the others.
struct TableWorkers {
    let count: Int
    let status: JobStatus
    let logger: Logger

    struct Result<Worker: TableWorker>: Sendable {
        var outputs: [Worker.Output] = []
        var left: [TableName] = []
    }

    /// Says what there is to do, before anything is done.
    static func begin(_ items: [some TableItem], in status: JobStatus) {
        status.update { snapshot in
            snapshot.phase = .copying
            snapshot.copies = items.map {
                .init(table: $0.name, estimatedRows: $0.estimatedRows)
            }
        }
    }

    /// - Parameter make: A worker; they are numbered from 1 on.
    func run<Worker: TableWorker>(
        _ items: [Worker.Item], with make: (_ number: Int) -> Worker
    ) async throws -> Result<Worker> {
        let queue = SizedQueue(items, bytes: \.sizeBytes)
        return try await withThrowingTaskGroup(of: Result<Worker>.self) { group in
            for number in 1...min(count, max(items.count, 1)) {
                let worker = make(number)
                group.addTask {
                    try await closing(worker) { try await workThrough(queue, with: worker) }
                }
            }
            return try await group.reduce(into: Result()) { all, one in
                all.outputs += one.outputs
                all.left += one.left
            }
        }
    }

    private func workThrough<Worker: TableWorker>(
        _ queue: SizedQueue<Worker.Item>, with worker: Worker
    ) async throws -> Result<Worker> {
        var result = Result<Worker>()
        try await worker.connect()
        while let (number, item) = queue.numbered() {
            let level = queue.level(of: number, logger)
            logger.log(level: level, "copying", metadata: ["table": "\(item.name)"])
            switch try await worker.work(on: item) {
            case .done(let output): result.outputs.append(output)
            case .left:
                result.left.append(item.name)
                continue
            case .putBack:
                queue.putBack(item)
                continue
            }
            status.tellMetrics()
            let rows = status.copy(of: item.name)?.rows ?? 0
            logger.log(
                level: level, "copied", metadata: ["table": "\(item.name)", "rows": "\(rows)"])
        }
        try await worker.finish()
        return result
    }
}
