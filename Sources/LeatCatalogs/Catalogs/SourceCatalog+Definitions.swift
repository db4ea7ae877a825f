package import LeatCore
internal import PGClient
package import PGWire

// What tells whether rows have changed without being sent: see ``TableDefinition``.

extension DefinitionChange {
    package init(from earlier: TableDefinition, to now: TableDefinition, sent table: SourceTable) {
        self.init(
            from: earlier, to: now, sent: table.columns.map(\.name),
            mayBeUnlogged: { oid in
                // Every truncate of what is published itself is sent.
                let isKept =
                    oid == table.relation.id.rawValue && now.hasKeptToast(of: oid, since: earlier)
                return table.mayBeUnlogged.contains(oid) && !isKept
            })
    }
}

extension SourceCatalog {
    /// Whether a table's columns are these still, none of them altered: without a look at any
    /// other table.
    package func hasColumns(_ columns: [SourceColumn], table: RelationID) throws -> Bool {
        var versions: [Int: UInt32] = [:]
        for row in try session.query(
            """
            select a.attnum, a.xmin from pg_catalog.pg_attribute a
            where a.attrelid = $1::pg_catalog.oid and a.attnum > 0 and not a.attisdropped
              and a.attgenerated = ''
            """, with: ["\(table.rawValue)"]
        ).records { versions[try row.int("attnum")] = try row.id("xmin") }
        let plain = columns.filter { $0.generation == .none }
        return plain.count == versions.count
            && plain.allSatisfy { versions[$0.number] == $0.version }
    }

    /// The doubts that the rows themselves do not rule out.
    ///
    /// Reads the first and the last pages of the tables in question.
    ///
    /// - Returns: Nil if one of them is locked for longer than a second.
    package func standing(_ findings: [DefinitionChange.Finding]) throws -> [DefinitionChange
        .Doubt]?
    {
        guard !findings.isEmpty else { return [] }
        do {
            return try findings.compactMap { try standing($0) }
        } catch let error as ConnectionError where error.sqlState == .lockNotAvailable {
            return nil
        }
    }

    private func standing(
        _ finding: DefinitionChange.Finding
    ) throws -> DefinitionChange.Doubt? {
        for file in finding.files {
            // Each by itself: whoever holds one of several must not wait for another.
            let found = try session.waitingForLocks(atMost: .seconds(1)) {
                try sample(file, since: finding.since)
            }
            guard let sample = found else { continue }
            if sample.hasOlder { return nil }
            guard case .unlogged(let oid, _, _, let alteration) = finding.doubt else { continue }
            return .unlogged(
                oid: oid, changer: sample.isAltered && !sample.hasWriters ? nil : sample.writer,
                hasRows: sample.hasWriters,
                alteration: alteration == .earlier && sample.hasNewToast ? .last : alteration)
        }
        return finding.doubt
    }

    /// Which rows of a table are those of a partition, as SQL over the source's columns; `true`
    /// where that says nothing anywhere else.
    package func rows(ofPartition oid: UInt32) throws -> String {
        let found = try session.query(
            "select pg_catalog.pg_get_partition_constraintdef($1::pg_catalog.oid) as rule",
            with: ["\(oid)"]
        ).onlyRecord().optionalText("rule")
        // It names the parent by its OID.
        guard let found, !found.contains("satisfies_hash_partition(") else { return "true" }
        return found
    }

    /// The first and the last rows of a table.
    private struct Sample {
        /// One was there before a transaction.
        var hasOlder: Bool
        /// The transaction that changed the table's row of `pg_class` last: the one that wrote its
        /// file, where nothing else came behind it.
        var writer: UInt32
        /// One is of that transaction.
        var hasWriters: Bool
        /// That transaction has altered a column: what changed the file before it is not known.
        var isAltered: Bool
        /// Its TOAST table is as an ALTER has made it: nothing has given the table a file since.
        var hasNewToast: Bool
    }

    private static let sampledPages = 16

    /// Nil if the role may not look, or the table is gone.
    private func sample(_ oid: UInt32, since xid: UInt32) throws -> Sample? {
        let table = try session.query(
            """
            select c.oid::pg_catalog.regclass as name, c.xmin,
              exists (select from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and a.xmin = c.xmin) as is_altered,
              exists (select from pg_catalog.pg_class t where t.oid = c.reltoastrelid
                and t.relfilenode = t.oid) as has_new_toast,
              pg_catalog.pg_relation_size(c.oid)
                / pg_catalog.current_setting('block_size')::pg_catalog.int8 as pages
            from pg_catalog.pg_class c
            where c.oid = $1::pg_catalog.oid and pg_catalog.has_table_privilege(c.oid, 'select')
              and pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
              and not pg_catalog.row_security_active(c.oid)
            """, with: ["\(oid)"]
        ).firstRecord
        guard let table else { return nil }
        let (name, writer) = (try table.text("name"), try table.id("xmin"))
        let last = max(0, try table.int("pages") - SourceCatalog.sampledPages)
        // Each by itself is a scan of a range; together they would be one of the table.
        let rows = ["ctid < '(\(SourceCatalog.sampledPages),0)'", "ctid >= '(\(last),0)'"]
            .map { "select from only \(name) where \($0)" }
        func exists(_ condition: String) -> String {
            rows.map { "exists (\($0) and \(condition))" }.joined(separator: " or ")
        }
        let older = "pg_catalog.age(xmin) > pg_catalog.age($1::pg_catalog.text::pg_catalog.xid)"
        let found = try session.query(
            """
            select \(exists(older)) as has_older,
              \(exists("xmin = $2::pg_catalog.text::pg_catalog.xid")) as has_writers
            """, with: ["\(xid)", "\(writer)"]
        ).onlyRecord()
        return Sample(
            hasOlder: try found.bool("has_older"), writer: writer,
            hasWriters: try found.bool("has_writers"), isAltered: try table.bool("is_altered"),
            hasNewToast: try table.bool("has_new_toast"))
    }
}
