internal import CLibpq
internal import Glibc

/// What the server answered to one command of a pipeline.
public enum PipelineAnswer: Sendable {
    case rows(QueryResult)
    /// The count of rows, where the command has one.
    case command(affectedRows: Int)
    /// The command failed; those up to the next sync are answered with `skipped`.
    case failed(ServerError)
    case skipped
    case sync
}

/// The parameters of one prepared statement, as pointers into memory that outlives the call.
///
/// Reused from row to row, so that a row costs no allocation here.
public struct ParameterList {
    // SAFETY: the pointers are used by `sendPrepared` before the owner of the bytes lets go;
    // libpq copies what they point to into its output buffer.
    var values: [UnsafePointer<CChar>?] = []
    var lengths: [Int32] = []
    var formats: [Int32] = []

    /// An empty one.
    public init() {}

    /// Forgets the parameters and keeps the memory.
    public mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
    }

    /// A NULL.
    public mutating func appendNull() {
        values.append(nil)
        lengths.append(0)
        formats.append(0)
    }

    /// Text of `length` bytes, followed by a NUL byte.
    public mutating func appendText(_ pointer: UnsafeRawPointer, length: Int) {
        values.append(pointer.assumingMemoryBound(to: CChar.self))
        lengths.append(Int32(length))
        formats.append(0)
    }

    /// A value in binary form, whose bytes are copied.
    public mutating func appendBinary(_ pointer: UnsafeRawPointer, length: Int) {
        values.append(pointer.assumingMemoryBound(to: CChar.self))
        lengths.append(Int32(length))
        formats.append(1)
    }

    /// Text parameters travel as C strings: one with a NUL byte inside would be cut silently.
    var firstTextWithNUL: Int? {
        values.indices.first { index in
            guard formats[index] == 0, let value = values[index] else { return false }
            return strlen(value) != Int(lengths[index])
        }
    }
}

extension Session {
    /// Enters pipeline mode: "Pipeline Mode" in the libpq chapter of the manual.
    public func enterPipeline() throws(ConnectionError) {
        guard PQenterPipelineMode(connection) == 1 else { throw lost("enter pipeline mode") }
    }

    /// Leaves pipeline mode; every answer must have been taken.
    public func exitPipeline() throws(ConnectionError) {
        guard PQexitPipelineMode(connection) == 1 else {
            throw failure(
                .unexpectedAnswer, attempting: "leave pipeline mode", message: lastMessage)
        }
    }

    /// Queues a `Parse`. One answer.
    public func sendPrepare(
        _ name: String, sql: String, types: [UInt32]
    ) throws(ConnectionError) {
        guard PQsendPrepare(connection, name, sql, Int32(types.count), types) == 1 else {
            throw lost("prepare \(name)")
        }
    }

    /// Queues a statement without parameters. One answer.
    public func sendStatement(
        _ sql: String, with parameters: [String] = []
    ) throws(ConnectionError) {
        guard try sendParameters(parameters, of: sql) == 1 else { throw lost(Session.attempt(sql)) }
    }

    /// Queues one execution of a prepared statement with parameters in text form. One answer.
    public func sendPrepared(
        _ name: String, with parameters: [String]
    ) throws(ConnectionError) {
        try checkNoNUL(parameters, of: name)
        let sent = Session.withCStrings(parameters) { values, count in
            PQsendQueryPrepared(connection, name, count, values, nil, nil, 0)
        }
        guard sent == 1 else { throw lost("execute \(name)") }
    }

    /// Queues one execution of a prepared statement. One answer.
    public func sendPrepared(
        _ name: UnsafePointer<CChar>, with parameters: borrowing ParameterList
    ) throws(ConnectionError) {
        if parameters.firstTextWithNUL != nil {
            throw failure(
                .invalidValue, attempting: "send a row",
                message: "a text value has a NUL byte in it")
        }
        let sent = PQsendQueryPrepared(
            connection, name, Int32(parameters.values.count), parameters.values,
            parameters.lengths, parameters.formats, 0)
        guard sent == 1 else { throw lost("send a row") }
    }

    /// Ends a group of commands. One answer: `sync`.
    public func sendSync() throws(ConnectionError) {
        guard PQpipelineSync(connection) == 1 else { throw lost("end a pipeline") }
    }

    /// Sends what is queued, waiting while the server is behind.
    public func flushPipeline() throws(ConnectionError) {
        try flush(attempting: "send a batch")
    }

    /// The answer to the next command, in the order of sending.
    ///
    /// - Throws: ``ConnectionError``; not for an error of a command, which is an answer.
    public func nextAnswer() throws(ConnectionError) -> PipelineAnswer {
        let attempted = "read a batch's answers"
        while true {
            guard let pointer = try nextResult(attempting: attempted) else {
                // The end of one command's results; the next call starts with the next command.
                if isBroken { throw lost(attempted) }
                continue
            }
            let result = ResultHandle(pointer)
            switch result.status {
            case PGRES_COMMAND_OK: return .command(affectedRows: result.affectedRowsFast)
            case PGRES_TUPLES_OK: return .rows(result.queryResult())
            case PGRES_PIPELINE_SYNC: return .sync
            case PGRES_PIPELINE_ABORTED: return .skipped
            case PGRES_FATAL_ERROR:
                let error = ServerError(result.pointer)
                let failure = resultFailure(error, attempting: attempted)
                guard failure.code == .server else { throw failure }
                return .failed(error)
            default: throw unexpected(result.status, attempting: attempted)
            }
        }
    }
}
