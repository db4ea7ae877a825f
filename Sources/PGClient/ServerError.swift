internal import CLibpq
public import PGWire

/// An error report of the server, whole: "Error and Notice Message Fields" of the manual.
public struct ServerError: Error, Equatable, Sendable {
    /// `ERROR`, `FATAL` or `PANIC`; never translated.
    public var severity: String
    /// Five characters: "PostgreSQL Error Codes" of the manual.
    public var sqlState: SQLState
    /// The primary message, in the server's language; it may quote a value.
    public var message: String
    /// It quotes rows: printed nowhere unless values are asked for.
    public var detail: String?
    /// What the server suggests.
    public var hint: String?
    /// Within what it was raised; it may quote values.
    public var context: String?
    /// The schema that the error is about.
    public var schema: String?
    /// The table that the error is about.
    public var table: String?
    /// The column that the error is about.
    public var column: String?
    /// The name of a type, such as the domain that does not take a value.
    public var dataType: String?
    /// The constraint that the error is about.
    public var constraint: String?
    /// The server's function that raised it: unlike the message, never translated.
    public var function: String?

    /// One without fields that name objects.
    public init(
        severity: String = "ERROR", sqlState: SQLState, message: String, detail: String? = nil,
        hint: String? = nil
    ) {
        self.severity = severity
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
    }
}

extension ServerError {
    /// The server has closed the connection behind it: there is nothing more to read.
    var endsSession: Bool { severity == "FATAL" || severity == "PANIC" }

    init(_ result: OpaquePointer?) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        severity = field("V") ?? field("S") ?? "ERROR"
        sqlState = field("C").map(SQLState.init) ?? .internalError
        message = field("M") ?? String(cString: PQresultErrorMessage(result))
        detail = field("D")
        hint = field("H")
        context = field("W")
        schema = field("s")
        table = field("t")
        column = field("c")
        dataType = field("d")
        constraint = field("n")
        function = field("R")
    }
}

extension ServerError: CustomStringConvertible {
    /// Message, hint and SQLSTATE, where the message can hold no value. The detail and the context
    /// are left out: they quote cell values, which appear in no output unless asked for.
    public var description: String {
        text(printable, hint: isPrintable ? hint : nil)
    }
}
