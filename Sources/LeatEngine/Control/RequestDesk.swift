internal import Foundation
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// Where the process that runs a stream hears what others want of it, through `leat.requests`: from any
/// host that reaches the target, without a port of its own.
///
/// It has a connection of its own beside the stream's, for it answers also while a batch waits for a
/// lock. Where it cannot have one the stream goes on without, and tries again later. What a crash leaves
/// are rows that nobody has answered; the next process removes them.
final class RequestDesk: Sendable {
    /// A stream that flows, as far as it can be asked for something.
    struct Stream: Sendable {
        let flow: Flow
        /// What its source has now.
        let sourceEnd: @Sendable () async throws -> LSN
    }

    private typealias Answer = (id: Int, text: String)

    private let target: Conninfo
    private let stream: StreamName
    private let status: JobStatus
    private let logger: Logger
    private let streaming = Mutex<Stream?>(nil)
    private let answers = Mutex<[Answer]>([])
    /// Of the connection on which requests are waited for.
    private let waiting = Mutex<Interrupt?>(nil)

    private static let rest: Duration = .seconds(600)
    private static let rests: ClosedRange<Duration> = .seconds(1)...(.seconds(60))
    /// Where the role or the database may have no more than so many connections, all are for the rows.
    private static let fewConnections = 8

    init(target: Conninfo, stream: StreamName, status: JobStatus, logger: Logger) {
        self.target = target
        self.stream = stream
        self.status = status
        self.logger = logger
    }

    /// Runs `body`, which holds the stream's lock in the session of `applier`, and answers meanwhile.
    func open<Value: Sendable>(
        beside applier: Applier, during body: () async throws -> Value
    ) async throws -> Value {
        guard try await !applier.run(RequestDesk.hasFewConnections) else { return try await body() }
        // Ends with the scope.
        async let _ = answerUntilCancelled()
        defer { streaming.withLock { $0 = nil } }
        return try await body()
    }

    private static func hasFewConnections(_ session: Session) throws -> Bool {
        try session.query(
            """
            select exists (
              select from pg_catalog.pg_roles r, pg_catalog.pg_database d
              where r.rolname = current_user and d.datname = pg_catalog.current_database()
                and (r.rolconnlimit between 0 and $1::pg_catalog.int4
                  or d.datconnlimit between 0 and $1::pg_catalog.int4))
            """, with: ["\(fewConnections)"]
        ).bool()
    }

    /// From here on it can be asked to end at a position.
    func streams(_ flow: Flow, sourceEnd: @escaping @Sendable () async throws -> LSN) {
        streaming.withLock { $0 = Stream(flow: flow, sourceEnd: sourceEnd) }
    }

    // MARK: Answering

    private func answerUntilCancelled() async {
        await withDiscardingTaskGroup { group in
            var isFirst = true
            var rest = RequestDesk.rests.lowerBound
            while !Task.isCancelled {
                let began = ContinuousClock.now
                do {
                    try await answer(forgetting: isFirst, &group)
                } catch {
                    logger.debug("nobody can ask for now", metadata: ["error": "\(error)"])
                }
                isFirst = false
                let lasted = ContinuousClock.now - began
                rest = lasted > rest ? RequestDesk.rests.lowerBound : rest
                try? await Task.sleep(for: rest)
                rest = min(rest * 2, RequestDesk.rests.upperBound)
            }
            group.cancelAll()
        }
    }

    /// With a connection, until that is lost.
    ///
    /// - Parameter group: Of what takes longer than the connection may last.
    private func answer(forgetting: Bool, _ group: inout DiscardingTaskGroup) async throws {
        let connection = try await Connection.open(target, peer: .target, stream: stream)
        try await closing(connection) {
            let stream = stream
            try await connection.run { session in
                let store = RequestStore(session: session, stream: stream)
                if forgetting { try store.forget() }
                try store.listen()
            }
            waiting.withLock { $0 = connection.interrupt }
            while true { try await answerOnce(on: connection, in: &group) }
        }
    }

    private func answerOnce(
        on connection: Connection, in group: inout DiscardingTaskGroup
    ) async throws {
        let stream = stream
        let ready = answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
        let requests = try await connection.run { session in
            let store = RequestStore(session: session, stream: stream)
            try store.answer(ready)
            return try store.open()
        }
        for request in requests { await take(request, in: &group) }
        guard answers.withLock(\.isEmpty) else { return }
        _ = try await connection.run {
            try $0.waitForNotification(until: .now + RequestDesk.rest)
        }
    }

    private func take(
        _ request: RequestStore.Request, in group: inout DiscardingTaskGroup
    ) async {
        switch request.kind {
        case .status:
            give(LiveReport(status.snapshot), to: request.id)
        case .stop:
            guard let streaming = streaming.withLock({ $0 }) else {
                let phase = status.snapshot.phase.rawValue
                return refuse(
                    request.id,
                    because: "the stream does not flow yet, or no longer: it is \(phase)")
            }
            group.addTask { [self] in
                await end(streaming, for: request)
                wake()
            }
        }
    }

    /// The answer is given by whoever has the connection, and waits.
    private func wake() {
        waiting.withLock { $0?.wake() }
    }

    private func give(_ answer: some Encodable, to id: Int) {
        let text = AnswerText.json(answer)
        answers.withLock { $0.append((id, text)) }
    }

    // MARK: Ending at a position

    private func end(_ streaming: Stream, for request: RequestStore.Request) async {
        do {
            let place = try await stop(streaming, for: request)
            logger.info("asked to end", metadata: ["position": "\(place)"])
            give(StopAnswer(state: .stopping, end: "\(place)"), to: request.id)
        } catch let failure as HoldPoint.Failure {
            refuse(request.id, because: failure.reason)
        } catch {
            refuse(request.id, because: "the source does not say where it is: \(error)")
        }
    }

    /// Under load the stream may be beyond what the source had a moment ago: what it has now is then
    /// asked for anew.
    private func stop(
        _ streaming: Stream, for request: RequestStore.Request
    ) async throws -> LSN {
        while true {
            let place = if let end = request.end { end } else { try await streaming.sourceEnd() }
            give(StopAnswer(state: .waiting, end: "\(place)"), to: request.id)
            wake()
            do {
                try await streaming.flow.end(at: place)
                return place
            } catch HoldPoint.Failure.passed where request.end == nil {
                continue
            }
        }
    }

    private func refuse(_ id: Int, because reason: String) {
        give(StopAnswer(state: .refused, reason: reason), to: id)
    }
}

extension HoldPoint.Failure {
    fileprivate var reason: String {
        switch self {
        case .passed(let position): "the stream is at \(position) already"
        case .ended: "the stream ends before that"
        case .taken: "somebody else holds the stream"
        }
    }
}
