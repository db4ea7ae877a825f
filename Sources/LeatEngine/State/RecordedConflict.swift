/// One row of `leat.conflicts`.
public struct RecordedConflict: Sendable, Codable, Equatable {
    public var id: Int
    public var stream: String
    /// When it was resolved, by the target's clock. RFC 3339, UTC.
    public var time: String
    /// Of the change.
    public var lsn: String
    /// Of the source transaction.
    public var xid: Int
    public var schemaName: String
    public var tableName: String
    /// On the target, where it has another name there.
    public var targetSchemaName: String?
    public var targetTableName: String?
    public var kind: String
    public var policy: String
    public var keyColumns: [String]
    /// Only if `--show-values` was given when it was resolved; nil elements are NULL.
    public var keyValues: [String?]?
    public var constraintName: String?
    /// The target server's, without cell values.
    public var message: String?
}
