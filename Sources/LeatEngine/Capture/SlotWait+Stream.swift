internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient

extension SlotWait {
    /// While a walsender of the stream's makes a slot, warns of whom it waits for.
    static func creating<Value: Sendable>(
        for configuration: SourceConfiguration, showsValues: Bool = false, logger: Logger,
        during body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let application = configuration.stream.objectName
        let wait = SlotWait(
            source: configuration.source, command: application,
            backend: """
                w.backend_type = 'walsender' and w.application_name = \
                \(SQLText.literal(application))
                """, showsValues: showsValues)
        return try await wait.reporting { blocking in
            for transaction in blocking {
                logger.warning("the new slot waits for a running transaction: \(transaction)")
            }
        } during: {
            try await body()
        }
    }
}
