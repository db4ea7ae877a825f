/// One TRUNCATE, of all the published tables that it emptied together.
///
/// Source: "Logical Replication Message Formats" in the PostgreSQL manual.
public struct Truncate: Sendable, Equatable {
    /// Indices in ``Batch/relations``.
    public var relations: [UInt32]
    /// CASCADE was said.
    public var cascade: Bool
    /// RESTART IDENTITY was said: sequences of the tables begin anew.
    public var restartIdentity: Bool

    /// Of these relations of the batch.
    public init(relations: [UInt32], cascade: Bool = false, restartIdentity: Bool = false) {
        self.relations = relations
        self.cascade = cascade
        self.restartIdentity = restartIdentity
    }
}
