internal import LeatCatalogs
internal import LeatCore
internal import PGClient

extension Session {
    /// A session on the source that sees what `snapshot` shows, and nothing else.
    static func reading(
        _ configuration: SourceConfiguration, under snapshot: String, clientEncoding: String,
        silence: Silence? = nil, interrupt: Interrupt
    ) throws -> Session {
        let session = try Session(
            configuration.source,
            options: .init(
                peer: .source, applicationName: configuration.stream.objectName, silence: silence),
            interrupt: interrupt)
        do {
            try session.prepare(clientEncoding: clientEncoding)
            try session.execute("begin isolation level repeatable read read only")
            try session.execute("set transaction snapshot \(SQLText.literal(snapshot))")
        } catch {
            session.close()
            throw error
        }
        return session
    }
}
