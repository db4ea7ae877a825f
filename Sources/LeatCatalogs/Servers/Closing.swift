package import PGClient

/// What holds connections.
package protocol Closable: Sendable {
    func close() async
}

extension Connection: Closable {}

/// Runs `body`, and then closes what it has used, however it ended.
package func closing<Value>(
    _ used: any Closable..., body: () async throws -> Value
) async throws -> Value {
    do {
        let value = try await body()
        for one in used { await one.close() }
        return value
    } catch {
        for one in used { await one.close() }
        throw error
    }
}
