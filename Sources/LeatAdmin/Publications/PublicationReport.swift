public import LeatCatalogs

/// One publication as `leat publication list` shows it.
public struct PublicationReport: Sendable, Codable, Equatable {
    public struct Table: Sendable, Codable, Equatable {
        public var schemaName: String
        public var tableName: String
        /// Nil: all.
        public var columns: [String]?
        /// Nil: all rows.
        public var rowFilter: String?
        public var isPartitioned: Bool
        /// `table`, `schema` or `all`: by what it is in the publication.
        public var membership: String
    }

    /// What is known to read from it.
    public struct Reader: Sendable, Codable, Equatable {
        public var slot: String
        /// `walsender`: connected, and asked for this publication. `stream`: a Leat stream, by
        /// the target's `leat.progress`. `name`: the slot has the publication's name, as those of
        /// Leat streams have.
        public var knownBy: String
        public var stream: String?
        /// A stream's.
        public var position: String?
        public var pid: Int?
        public var application: String?
    }

    public var name: String
    public var owner: String
    /// FOR ALL TABLES.
    public var isForAllTables: Bool
    /// TABLES IN SCHEMA.
    public var schemas: [String]
    /// `insert`, `update`, `delete`, `truncate`.
    public var operations: [String]
    public var isViaPartitionRoot: Bool
    /// 18 and newer: `none` or `stored`.
    public var generatedColumns: String?
    public var tables: [Table]
    public var problems: [PublicationProblem]
    public var readers: [Reader]
}

/// The publications of a database, and what cannot be known of their readers.
public struct PublicationList: Sendable, Codable, Equatable {
    public var database: String
    public var publications: [PublicationReport]
    /// Slots for pgoutput of this database of which nobody knows what they read.
    public var unknownSlots: [String]
    /// `server_version_num`.
    public var serverVersion: Int
}
