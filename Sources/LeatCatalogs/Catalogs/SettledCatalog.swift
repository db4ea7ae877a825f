internal import LeatCore
internal import Logging
package import PGClient
package import PGWire

/// Waits until the source's catalog shows what the stream has already.
///
/// A transaction is in the stream as soon as its commit record is on disk; other sessions see it
/// a little later, and with synchronous replication only when a standby has answered. Its lock
/// on its own transaction ID goes after that.
package struct SettledCatalog {
    package let source: Connection

    package init(source: Connection) {
        self.source = source
    }

    private static let patience: Duration = .seconds(5)
    private static let pause: Duration = .milliseconds(10)

    /// - Parameter batch: Its last transactions may not be visible yet.
    package func wait(for batch: Batch) async throws {
        let xids = batch.transactions.suffix(1000).map { "'\($0.xid.rawValue)'" }
        guard !xids.isEmpty else { return }
        let deadline = ContinuousClock.now + SettledCatalog.patience
        // Longer waits are a standby's. What is then not seen is met again by the next start.
        while ContinuousClock.now < deadline {
            let isSettled = try await source.query(
                """
                select not exists (select from pg_catalog.pg_locks
                  where locktype = 'transactionid' and granted
                    and transactionid = any (array[\(xids.joined(separator: ", "))]
                      ::pg_catalog.xid[]))
                """
            ).bool()
            if isSettled { return }
            try await Task.sleep(for: SettledCatalog.pause)
        }
    }
}
