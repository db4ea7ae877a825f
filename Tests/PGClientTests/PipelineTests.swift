import LeatTestSupport
@testable import PGClient
import PGWire
import Testing

extension PipelineAnswer {
    /// Such as `rows 1`, `command 3`, `failed 22012`.
    fileprivate var summary: String {
        switch self {
        case .rows(let result): "rows \(result.scalar ?? "NULL")"
        case .command(let count): "command \(count)"
        case .failed(let error): "failed \(error.sqlState)"
        case .skipped: "skipped"
        case .sync: "sync"
        }
    }
}

extension Session {
    /// Executes a prepared statement with one text parameter.
    fileprivate func send(_ name: String, _ value: String?, length: Int? = nil) throws {
        guard let value else {
            var parameters = ParameterList()
            parameters.appendNull()
            return try sendPrepared(name, with: parameters)
        }
        try value.withCString { pointer in
            var parameters = ParameterList()
            parameters.appendText(pointer, length: length ?? value.utf8.count)
            try sendPrepared(name, with: parameters)
        }
    }

    fileprivate func answers(_ count: Int) throws -> [String] {
        try (0..<count).map { _ in try nextAnswer().summary }
    }
}

@Suite("Pipelines")
struct PipelineTests {
    @Test("answers come in the order of sending", arguments: PostgresVersion.allCases)
    func order(_ version: PostgresVersion) async throws {
        let connection = try await Server.connection(version)

        let answers = try await connection.run { session in
            try session.enterPipeline()
            try session.sendStatement("create temporary table t (v text)")
            try session.sendPrepare("p", sql: "insert into t values ($1)", types: [25])
            try session.send("p", "a")
            try session.send("p", nil)
            try session.sendStatement("select count(v) || '/' || count(*) from t")
            try session.sendStatement("select $1::text", with: ["it's"])
            try session.sendSync()
            try session.flushPipeline()
            let answers = try session.answers(7)
            try session.exitPipeline()
            return answers
        }

        #expect(
            answers == [
                "command 0", "command 0", "command 1", "command 1", "rows 1/2", "rows it's", "sync",
            ])
        #expect(try await connection.query("select 1").scalar == "1")
    }

    @Test("after an error the rest is skipped up to the sync, and then it goes on")
    func errorInTheMiddle() async throws {
        let connection = try await Server.connection()

        let answers = try await connection.run { session in
            try session.enterPipeline()
            try session.sendStatement("create temporary table t (i int)")
            try session.sendStatement("select 1 / 0")
            try session.sendStatement("select 2")
            try session.sendSync()
            try session.sendStatement("select to_regclass('pg_temp.t')::text")
            try session.sendSync()
            try session.flushPipeline()
            defer { try? session.exitPipeline() }
            return try session.answers(6)
        }

        #expect(
            answers == ["command 0", "failed 22012", "skipped", "sync", "rows NULL", "sync"])
        #expect(try await connection.query("select 3").scalar == "3")
    }

    @Test("a statement that cannot be prepared fails, and its executions are skipped")
    func failedPrepare() async throws {
        let connection = try await Server.connection()

        let answers = try await connection.run { session in
            try session.enterPipeline()
            try session.sendPrepare("p", sql: "insert into nowhere values ($1)", types: [25])
            try session.send("p", "a")
            try session.sendSync()
            try session.flushPipeline()
            return try session.answers(3)
        }

        #expect(answers == ["failed 42P01", "skipped", "sync"])
    }

    @Test("thousands of statements with large answers do not stand still")
    func largeAnswers() async throws {
        let connection = try await Server.connection()

        let lengths = try await connection.run { session in
            try session.enterPipeline()
            try session.sendPrepare(
                "p", sql: "select repeat('x', 8000) || $1, repeat('y', 8000)", types: [25])
            let padding = String(repeating: "p", count: 4000)
            for _ in 0..<3000 { try session.send("p", padding) }
            try session.sendSync()
            try session.flushPipeline()
            _ = try session.answers(1)
            var lengths: Set<Int> = []
            for _ in 0..<3000 {
                if case .rows(let result) = try session.nextAnswer() {
                    lengths.insert(result.scalar?.utf8.count ?? -1)
                }
            }
            #expect(try session.answers(1) == ["sync"])
            try session.exitPipeline()
            return lengths
        }

        #expect(lengths == [12_000])
    }

    @Test("a text value with a NUL byte is refused, not cut")
    func nulByte() async throws {
        let connection = try await Server.connection()

        let codes = try await connection.run { session in
            try session.enterPipeline()
            try session.sendPrepare("p", sql: "select $1", types: [25])
            return [
                errorCode { try session.send("p", "a\u{0}b", length: 3) },
                errorCode { try session.sendStatement("select $1::text", with: ["a\u{0}b"]) },
            ]
        }

        #expect(codes == [.invalidValue, .invalidValue])
    }

    @Test("a session terminated within a pipeline is lost")
    func terminated() async throws {
        let connection = try await Server.connection()

        let error = await connectionError {
            try await connection.run { session in
                try session.enterPipeline()
                try session.sendStatement("select pg_terminate_backend(pg_backend_pid())")
                try session.sendStatement("select 1")
                try session.sendSync()
                try session.flushPipeline()
                _ = try session.answers(3)
            }
        }

        #expect(error?.code == .lost && error?.sqlState == "57P01")
    }
}

private func errorCode(_ body: () throws -> Void) -> ConnectionError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ConnectionError)?.code
    }
}
