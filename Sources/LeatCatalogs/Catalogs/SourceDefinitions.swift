package import LeatCore
package import PGClient
package import PGWire

/// What the source's catalog says beside the stream: asked when a batch describes something that
/// is not known yet, or that the target does not take.
///
/// A source that is a server answers with what is so now; an archive with what it has recorded.
package protocol SourceDefinitions: Sendable {
    /// Waits until the answers are not older than what the batch has.
    func settle(for batch: Batch) async throws

    func types() async throws -> TypeCatalog

    /// The columns of the followed tables, as near to this description of one as is known.
    func columns(for relation: Relation) async throws -> [RelationID: [SourceColumn]]

    /// The followed tables as they are now; empty where nobody knows more than their columns.
    func tables() async throws -> [RelationID: SourceTable]

    /// Whether a table's columns are these still, none of them altered.
    func hasColumns(_ columns: [SourceColumn], table: RelationID) async throws -> Bool

    /// What tables are called; those that are gone are left out.
    func names(of ids: [RelationID]) async throws -> [RelationID: TableName]

    /// All partitions under these tables, parents first; none where nobody knows.
    func partitions(under roots: [RelationID]) async throws -> [PartitionCatalog.Definition]

    /// The rules of a table or domain; nil where nobody knows, or where there is none of the name.
    func rules(of owner: BrokenRule.Owner) async throws -> [SchemaRule]?
}

extension SourceDefinitions {
    package func tables() async throws -> [RelationID: SourceTable] { [:] }

    package func hasColumns(_ columns: [SourceColumn], table: RelationID) async throws -> Bool {
        true
    }
}

/// The catalog of a server.
package struct ServerDefinitions: SourceDefinitions {
    package let source: Connection
    package let publications: [String]

    package init(source: Connection, publications: [String]) {
        self.source = source
        self.publications = publications
    }

    package func settle(for batch: Batch) async throws {
        try await SettledCatalog(source: source).wait(for: batch)
    }

    package func types() async throws -> TypeCatalog {
        try await source.run { try $0.typeCatalog() }
    }

    package func columns(for relation: Relation) async throws -> [RelationID: [SourceColumn]] {
        try await tables().mapValues(\.columns)
    }

    package func tables() async throws -> [RelationID: SourceTable] {
        let publications = publications
        let tables = try await source.run { session in
            try SourceCatalog(session: session).publishedTables(of: publications)
        }
        return Dictionary(
            tables.map { ($0.relation.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package func hasColumns(_ columns: [SourceColumn], table: RelationID) async throws -> Bool {
        try await source.run { session in
            try SourceCatalog(session: session).hasColumns(columns, table: table)
        }
    }

    package func names(of ids: [RelationID]) async throws -> [RelationID: TableName] {
        try await source.run { try TableNames(session: $0).names(of: ids) }
    }

    package func partitions(under roots: [RelationID]) async throws -> [PartitionCatalog.Definition]
    {
        try await source.run { try PartitionCatalog(session: $0).definitions(under: roots) }
    }

    package func rules(of owner: BrokenRule.Owner) async throws -> [SchemaRule]? {
        try await source.run { try RuleCatalog(session: $0).rules(of: owner) }
    }
}
