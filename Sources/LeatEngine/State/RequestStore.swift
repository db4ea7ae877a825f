internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads and writes `leat.requests` for one stream: what is asked of the process that runs it, and what
/// it answers.
///
/// Whoever asks inserts a row, notifies the stream's channel, and deletes the row in the end; the
/// process answers in the row and notifies the same channel. What is left of others is removed by a
/// process that takes the stream.
struct RequestStore {
    enum Kind: String {
        /// What it shows of itself.
        case status
        /// End at a position.
        case stop
    }

    struct Request: Sendable {
        var id: Int
        var kind: Kind
        /// Where to end; nil: what the source has now.
        var end: LSN?
    }

    let session: Session
    let stream: StreamName

    /// Before the first look at requests: none is missed that comes after it.
    func listen() throws {
        try session.execute("listen \(SQLText.identifier(stream.objectName))")
    }

    // MARK: The process that runs the stream

    /// Those that nobody has answered, the oldest first.
    func open() throws -> [Request] {
        try session.query(
            """
            select id, request, end_lsn from leat.requests
            where stream = $1 and answer is null order by id
            """, with: [stream.text]
        ).records.map { row in
            Request(
                id: try row.int("id"),
                kind: try row.value(of: "request", as: "a request", by: Kind.init),
                end: try row.optionalLSN("end_lsn"))
        }
    }

    func answer(_ answers: [(id: Int, text: String)]) throws {
        guard !answers.isEmpty else { return }
        try session.transaction {
            // Nobody needs them after a crash.
            try session.execute("set local synchronous_commit = off")
            for (id, text) in answers {
                try session.query(
                    """
                    update leat.requests set answer = $2,
                      answered_at = pg_catalog.clock_timestamp()
                    where id = $1::pg_catalog.int8
                    """, with: ["\(id)", text])
            }
            try session.query("select pg_catalog.pg_notify($1, '')", with: [stream.objectName])
        }
    }

    /// What was asked of the process before this one is not meant for this one.
    func forget() throws {
        guard try LeatSchema.isPresent("leat.requests", on: session) else { return }
        try session.query("delete from leat.requests where stream = $1", with: [stream.text])
    }

    // MARK: Who asks

    /// - Returns: The row, to be found again.
    func ask(_ kind: Kind, end: LSN? = nil) throws -> Int {
        try session.query(
            """
            with asked as (
              insert into leat.requests (stream, request, end_lsn)
              values ($1, $2, $3::pg_catalog.pg_lsn) returning id)
            select id, pg_catalog.pg_notify($4, '') as told from asked
            """, with: [stream.text, kind.rawValue, end?.description, stream.objectName]
        ).onlyRecord().int("id")
    }

    enum Answer: Equatable {
        case none
        case given(String)
        /// Another process has taken the stream since.
        case forgotten
    }

    func answer(to id: Int) throws -> Answer {
        let row = try session.query(
            "select answer from leat.requests where id = $1::pg_catalog.int8", with: ["\(id)"]
        ).firstRecord
        guard let row else { return .forgotten }
        return try row.optionalText("answer").map(Answer.given) ?? .none
    }

    /// Waits for an answer; see ``listen()``.
    func wait(for id: Int, within patience: Duration) throws -> Answer {
        let deadline = ContinuousClock.now + patience
        while true {
            let answer = try answer(to: id)
            guard answer == .none, ContinuousClock.now < deadline else { return answer }
            _ = try session.waitForNotification(until: deadline)
        }
    }

    func withdraw(_ id: Int) throws {
        try session.query(
            "delete from leat.requests where id = $1::pg_catalog.int8", with: ["\(id)"])
    }
}
