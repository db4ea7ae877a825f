internal import LeatCore
internal import PGClient
internal import PGWire

// What tells whether rows have changed without being sent: see ``TableDefinition``.

extension DefinitionChange {
    init(from earlier: TableDefinition, to now: TableDefinition, sent table: SourceTable) {
        self.init(
            from: earlier, to: now, sent: table.columns.map(\.name),
            mayBeUnlogged: table.mayBeUnlogged.contains)
    }
}

extension SourceCatalog {
    /// Whether a table's columns are these still, none of them altered: without a look at any
    /// other table.
    func hasColumns(_ columns: [SourceColumn], table: RelationID) throws -> Bool {
        var versions: [Int: UInt32] = [:]
        for row in try session.query(
            """
            select a.attnum, a.xmin from pg_catalog.pg_attribute a
            where a.attrelid = $1::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
              and a.attgenerated = ''
            """, ["\(table.rawValue)"]
        ).records { versions[try row.int("attnum")] = try row.id("xmin") }
        let plain = columns.filter { $0.generation == .none }
        return plain.count == versions.count
            && plain.allSatisfy { versions[$0.number] == $0.version }
    }

    /// The doubts that the rows themselves do not rule out.
    ///
    /// Reads the first pages of the tables in question.
    ///
    /// - Returns: Nil if one of them is locked for longer than a second.
    func standing(_ findings: [DefinitionChange.Finding]) throws -> [DefinitionChange.Doubt]? {
        guard !findings.isEmpty else { return [] }
        do {
            return try session.transaction {
                try session.execute("set local lock_timeout = '1s'")
                return try findings.compactMap { try standing($0) }
            }
        } catch let error as ConnectionError where error.sqlState == "55P03" {
            return nil
        }
    }

    private func standing(
        _ finding: DefinitionChange.Finding
    ) throws -> DefinitionChange.Doubt? {
        for file in finding.files {
            guard let sample = try sample(file, since: finding.since) else { continue }
            if sample.hasOlder { return nil }
            guard case .unlogged(let oid, _) = finding.doubt else { continue }
            // VACUUM FULL and CLUSTER give no row their own number, and leave rows from before them.
            if sample.isWriterKnown, sample.hasFormer, !sample.hasWriters { return nil }
            return .unlogged(oid: oid, writer: sample.hasWriters ? sample.writer : nil)
        }
        return finding.doubt
    }

    /// The first rows of a table.
    private struct Sample {
        /// One was there before a transaction.
        var hasOlder: Bool
        /// One was there before the writer.
        var hasFormer: Bool
        /// The transaction that changed the table's row of `pg_class` last: the one that wrote its
        /// file, if an index has the same.
        var writer: UInt32
        var isWriterKnown: Bool
        /// One is of that transaction.
        var hasWriters: Bool
    }

    /// Nil if the role may not look, or the table is gone.
    private func sample(_ oid: UInt32, since xid: UInt32) throws -> Sample? {
        let table = try session.query(
            """
            select c.oid::pg_catalog.regclass as name, c.xmin, exists (
                select from pg_catalog.pg_index i
                join pg_catalog.pg_class x on x.oid = i.indexrelid
                where i.indrelid = c.oid and x.xmin = c.xmin) as is_writer_known
            from pg_catalog.pg_class c
            where c.oid = $1::pg_catalog.oid and pg_catalog.has_table_privilege(c.oid, 'select')
              and pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
              and not pg_catalog.row_security_active(c.oid)
            """, ["\(oid)"]
        ).firstRecord
        guard let table else { return nil }
        let writer = try table.id("xmin")
        let rows = "select from only \(try table.text("name")) where ctid < '(16,0)'"
        let found = try session.query(
            """
            select exists (\(rows) and pg_catalog.age(xmin)
                > pg_catalog.age($1::pg_catalog.text::pg_catalog.xid)) as has_older,
              exists (\(rows) and xmin = $2::pg_catalog.text::pg_catalog.xid) as has_writers,
              exists (\(rows) and pg_catalog.age(xmin)
                > pg_catalog.age($2::pg_catalog.text::pg_catalog.xid)) as has_former
            """, ["\(xid)", "\(writer)"]
        ).onlyRecord()
        return Sample(
            hasOlder: try found.bool("has_older"), hasFormer: try found.bool("has_former"),
            writer: writer, isWriterKnown: try table.bool("is_writer_known"),
            hasWriters: try found.bool("has_writers"))
    }
}
