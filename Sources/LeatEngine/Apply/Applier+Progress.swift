internal import LeatCatalogs
internal import LeatCore

extension Applier {
    /// The stream's row, as its last transaction has left it.
    func progress() async throws -> Progress? {
        let stream = stream
        return try await run { session in
            try session.transaction {
                try ProgressStore(session: session, stream: stream).readForUpdate()
            }
        }
    }
}
