public import PGWire

/// Decides how large a batch may grow.
///
/// Updates and deletes reach the target through staging tables: one statement a table and batch,
/// which looks rows up in the order of the index, and empties the staging table at the end. The
/// larger the set, the nearer to one another are the rows that it meets. Inserts are copied as they
/// are, and gain nothing from more of them.
public struct BatchLimit: Sendable {
    /// What is allowed to any batch, but for its last change.
    public static let largestBytes = 4 << 20
    /// What is allowed to a batch of nothing but updates and deletes, nearly.
    static let largestBytesOfRewrites = 8 << 20

    /// Of the batch that is now as large as any may be.
    private var decided: Int?

    public init() {}

    /// Whether a batch that is being put together may take in another change.
    public mutating func allows(_ batch: Batch) -> Bool {
        let bytes = batch.byteCount
        guard bytes >= BatchLimit.largestBytes else {
            decided = nil
            return true
        }
        let limit = decided ?? BatchLimit.limit(of: batch)
        decided = limit
        return bytes < limit
    }

    private static func limit(of batch: Batch) -> Int {
        let rewrites = batch.changes.count { $0.kind == .update || $0.kind == .delete }
        let isEnough = rewrites * 8 >= batch.changes.count * 7
        return isEnough ? largestBytesOfRewrites : largestBytes
    }
}
