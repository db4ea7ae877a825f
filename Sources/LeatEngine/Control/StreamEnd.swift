internal import LeatCatalogs
public import LeatCore
public import PGClient
public import PGWire

/// Ends a running stream at a position, from wherever the target can be reached: `leat stop`.
///
/// The process that runs the stream is asked, and ends by itself; until then nothing is changed. It goes
/// on to the position also when whoever asked does not wait for it.
public struct StreamEnd: Sendable {
    /// What came of it.
    public enum Outcome: Sendable {
        /// Everything that ends at or before here is on the target, and nothing behind it.
        case ended(at: LSN)
        /// The process still has the way to there before it.
        case goesOn(to: LSN)
    }

    private let target: Conninfo
    private let stream: StreamName
    /// Nil: what the source has now.
    private let end: LSN?

    public init(target: Conninfo, stream: StreamName, at end: LSN?) {
        self.target = target
        self.stream = stream
        self.end = end
    }

    private static let answerPatience: Duration = .seconds(5)
    private static let look: Duration = .milliseconds(100)

    /// - Parameter patience: For so long the end is waited for.
    /// - Throws: ``Halt``: exit code 2 if no process runs the stream, or it is further already; 4 if
    ///   it does not answer.
    public func run(patience: Duration) async throws -> Outcome {
        let command = "leat stop"
        return try await Connection.with(target, peer: .target, command: command) { session in
            try checkRuns(session)
            let store = RequestStore(session: session, stream: stream)
            try store.listen()
            let id = try store.ask(.stop, end: end)
            defer { try? store.withdraw(id) }
            let place = try accepted(by: store, id: id)
            return try wait(for: place, of: id, in: store, until: .now + patience)
        }
    }

    private func checkRuns(_ session: Session) throws {
        guard try LeatSchema.isPresent(session),
            try session.query(
                "select exists (select from leat.progress where stream = $1)", with: [stream.text]
            ).bool()
        else {
            throw Halt(
                .configuration, "The target has no stream \(stream).",
                advice: "leat status lists those it has.")
        }
        try TrustedSchema.check(session)
        guard try LeatSchema.isPresent("leat.requests", on: session), try isRunning(session) else {
            throw Halt(
                .configuration, "No process runs stream \(stream), so none can be asked to end.",
                advice: "leat status says where the stream is, and why.")
        }
    }

    private func isRunning(_ session: Session) throws -> Bool {
        let name = SQLText.literal(stream.text)
        return try session.query(AdvisoryKey.stream.holders(of: name, selecting: "a.pid"))
            .rowCount > 0
    }

    /// - Returns: Where it will end.
    private func accepted(by store: RequestStore, id: Int) throws -> LSN {
        switch try store.wait(for: id, within: StreamEnd.answerPatience) {
        case .given(let text):
            guard let answer = AnswerText.read(StopAnswer.self, from: text) else { break }
            try check(answer)
            if let place = answer.end.flatMap(LSN.init) { return place }
        case .forgotten: throw begunAnew
        case .none: break
        }
        throw Halt(
            .target, "The process that runs stream \(stream) does not answer.",
            advice: "It may be of an earlier version. A SIGTERM ends it where it is.")
    }

    private func check(_ answer: StopAnswer) throws(Halt) {
        guard answer.state == .refused else { return }
        throw Halt(
            .configuration,
            "Stream \(stream) was not ended: \(answer.reason ?? "it says not why").",
            advice: "It goes on. A SIGTERM ends the process where it is.")
    }

    private var begunAnew: Halt {
        Halt(
            .target,
            "The process that runs stream \(stream) has begun anew, and has forgotten the request.",
            advice: "Ask again.")
    }

    private func wait(
        for place: LSN, of id: Int, in store: RequestStore, until deadline: ContinuousClock.Instant
    ) throws -> Outcome {
        while ContinuousClock.now < deadline {
            let isRunning = try isRunning(store.session)
            let (position, isHalted) = try position(store.session)
            if !isRunning, isHalted {
                throw Halt(
                    .target, "Stream \(stream) stopped for another reason, at \(position).",
                    advice: "leat status says why.")
            }
            if !isRunning, position >= place { return .ended(at: position) }
            // Between two runs, or about to be: nobody would take it there.
            let answer = try store.answer(to: id)
            guard answer != .forgotten else { throw begunAnew }
            if case .given(let text) = answer,
                let given = AnswerText.read(StopAnswer.self, from: text)
            {
                try check(given)
            }
            _ = try store.session.waitForNotification(until: min(deadline, .now + StreamEnd.look))
        }
        return .goesOn(to: place)
    }

    private func position(_ session: Session) throws -> (LSN, isHalted: Bool) {
        let row = try session.query(
            """
            select end_lsn, halted_at is not null as is_halted
            from leat.progress where stream = $1
            """, with: [stream.text]
        ).onlyRecord()
        return (try row.lsn("end_lsn"), try row.bool("is_halted"))
    }
}
