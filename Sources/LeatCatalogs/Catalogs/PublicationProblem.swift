/// Why the application's own updates and deletes fail.
public struct PublicationProblem: Sendable, Codable, Equatable, Hashable {
    /// Of the table.
    public var schemaName: String
    public var tableName: String
    public var message: String
    /// SQL that mends it.
    public var advice: String
}
