internal import PGClient

extension ServerError {
    /// Without what may be, or hold, a cell value.
    ///
    /// - Data exceptions (class 22) quote the value that they refuse. It may have quotes in it,
    ///   so all between the first and the last goes. What an encoding lacks is shown in
    ///   hexadecimal digits; only encodings are quoted there.
    /// - Code on the target (`raise exception` in a trigger, a function in a CHECK) says what it
    ///   likes.
    var withoutValues: ServerError {
        var error = self
        if isFromFunction {
            error.message = "a function of the target refused it, in words that may hold values"
            error.hint = nil
        } else if ["22021", "22P05"].contains(sqlState) {
            error.message = message.replacing(/( 0x[0-9a-fA-F]{2})+/, with: " ...")
        } else if sqlState.hasPrefix("22") {
            error.message = ServerError.withoutQuoted(message)
        }
        return error
    }

    /// Raised by, or within, a function of the target.
    var isFromFunction: Bool {
        sqlState.hasPrefix("P0") || context?.contains(" function ") == true
    }

    private static func withoutQuoted(_ text: String) -> String {
        guard let first = text.firstIndex(of: "\""), let last = text.lastIndex(of: "\""),
            first < last
        else { return text }
        return text[...first] + "..." + text[last...]
    }
}

extension ConnectionError {
    /// Without what the server may have quoted of a row.
    var withoutValues: ConnectionError {
        var error = self
        error.server = server?.withoutValues
        if let server = error.server { error.message = server.message }
        return error
    }
}
