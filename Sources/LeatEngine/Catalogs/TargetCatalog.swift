internal import LeatCore
internal import PGClient

/// Reads from the target's catalogs where changes can be written.
struct TargetCatalog {
    let session: Session

    enum Problem: Error, Sendable, Equatable {
        case missing
        /// A view, a foreign or unlogged table: what the sentence says.
        case unsuitable(String)
        case lacksPrivilege(String)
        case lacksSchemaUsage
        case rowSecurity
    }

    /// What is known of each table; a `ConnectionError` is thrown. In three queries, however many
    /// the tables are.
    func tables(_ names: [TableName]) throws -> [TableName: Result<TargetTable, Problem>] {
        let rows = try session.query(TargetCatalog.tablesQuery(names)).rows
        let oids = SQLText.oidArray(rows.compactMap { $0[0].flatMap(UInt32.init) })
        let columns = try columns(oids)
        let indexes = try uniqueIndexes(oids)
        var tables: [TableName: Result<TargetTable, Problem>] = Dictionary(
            names.map { ($0, .failure(.missing)) }, uniquingKeysWith: { first, _ in first })
        for row in rows {
            let name = TableName(schema: row[8] ?? "", name: row[9] ?? "")
            let oid = row[0] ?? ""
            do {
                tables[name] = .success(
                    try table(name, row, columns[oid] ?? [], indexes[oid] ?? []))
            } catch let problem as Problem {
                tables[name] = .failure(problem)
            }
        }
        return tables
    }

    private func table(
        _ name: TableName, _ row: [String?], _ columns: [TargetTable.Column],
        _ indexes: [TargetTable.UniqueIndex]
    ) throws -> TargetTable {
        guard let kind = TargetTable.Kind(rawValue: row[1] ?? "") else {
            throw Problem.unsuitable("it is \(TargetCatalog.kind(row[1]))")
        }
        guard row[2] == "p" else { throw Problem.unsuitable("it is \(TargetCatalog.unlogged)") }
        if kind == .partitioned { try checkPartitions(row[0] ?? "") }
        guard row[4] == "t" else { throw Problem.lacksSchemaUsage }
        if let lacking = row[3], !lacking.isEmpty { throw Problem.lacksPrivilege(lacking) }
        guard row[6] != "t" else { throw Problem.rowSecurity }
        return TargetTable(
            name: name, kind: kind, columns: columns, uniqueIndexes: indexes,
            hasSeveralConstraints: row[7] == "t", fires: row[5] == "t",
            canRestartIdentity: row[10] == "t", mayLeaveOut: row[11] == "t",
            locks: row[12].flatMap { Int($0) } ?? 1)
    }

    /// Table `c` or the partitions below it, and their indexes.
    private static let locks = """
        (select pg_catalog.count(distinct p.relid) + pg_catalog.count(i.indexrelid)
        from (select c.oid as relid
          union select p.relid from pg_catalog.pg_partition_tree(c.oid) p) p
        left join pg_catalog.pg_index i on i.indrelid = p.relid)
        """

    private static let unlogged = "unlogged or temporary: a crash would empty it"

    /// What a `pg_class.relkind` is that holds no rows of its own.
    private static func kind(_ relkind: String?) -> String {
        switch relkind {
        case "v": "a view"
        case "m": "a materialized view"
        default: "a foreign table"
        }
    }

    /// Rows go to the partitions, whatever the root is.
    private func checkPartitions(_ oid: String) throws {
        let row = try session.query(
            """
            select c.oid::pg_catalog.regclass, c.relkind
            from pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass) p
            join pg_catalog.pg_class c on c.oid = p.relid
            where c.relkind = 'f' or c.relpersistence <> 'p' order by 1 limit 1
            """, [oid]
        ).rows.first
        guard let row, let name = row[0] else { return }
        let what = row[1] == "f" ? TargetCatalog.kind(row[1]) : TargetCatalog.unlogged
        throw Problem.unsuitable("its partition \(name) is \(what)")
    }

    /// By the table's OID.
    private func columns(_ oids: String) throws -> [String: [TargetTable.Column]] {
        let rows = try session.query(
            """
            select a.attname, a.atttypid, a.atttypmod,
              pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
              a.attidentity, a.attnotnull, a.atthasdef, a.attnum, a.attrelid,
              case when a.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end
            from pg_catalog.pg_attribute a
            left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = any (\(oids)) and a.attnum > 0 and not a.attisdropped
            order by a.attrelid, a.attnum
            """
        ).rows
        var columns: [String: [TargetTable.Column]] = [:]
        for row in rows {
            var column = TargetTable.Column(
                number: row[8].flatMap(Int.init) ?? 0, name: row[0] ?? "",
                typeOID: row[1].flatMap(UInt32.init) ?? 0,
                typeModifier: row[2].flatMap(Int32.init) ?? -1, definition: row[3] ?? "",
                isGenerated: row[4] == "t",
                identity: row[5] == "a" ? .always : row[5] == "d" ? .byDefault : .none,
                isNotNull: row[6] == "t", hasDefault: row[7] == "t")
            column.generationExpression = row[10]
            columns[row[9] ?? "", default: []].append(column)
        }
        return columns
    }

    /// By the table's OID. Strategy 3 of a btree operator family is equality. A key WITHOUT OVERLAPS
    /// (18 and newer) is a GiST index, whose operators have numbers of their own: 3 may be
    /// "overlaps".
    private func uniqueIndexes(_ oids: String) throws -> [String: [TargetTable.UniqueIndex]] {
        let rows = try session.query(
            """
            with wanted as materialized (
              select i.indexrelid, i.indisprimary, i.indrelid, i.indnkeyatts, k,
                i.indkey[k] as attnum, i.indclass[k] as opclass
              from pg_catalog.pg_index i
              cross join pg_catalog.generate_series(0, i.indnkeyatts - 1) k
              where i.indrelid = any (\(oids)) and i.indisunique and i.indisvalid
                and i.indimmediate and i.indpred is null and i.indexprs is null)
            select i.indexrelid, i.indisprimary, a.attname, n.nspname, o.oprname, i.indrelid,
              i.indnkeyatts
            from wanted i
            join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.attnum
            join pg_catalog.pg_opclass c on c.oid = i.opclass
            join pg_catalog.pg_am am on am.oid = c.opcmethod
            join pg_catalog.pg_amop m on m.amopfamily = c.opcfamily
              and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype
            join pg_catalog.pg_operator o on o.oid = m.amopopr
              and case am.amname when 'btree' then m.amopstrategy = 3 else o.oprname = '=' end
            join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
            order by i.indrelid, i.indisprimary desc, i.indexrelid, k
            """
        ).rows
        var indexes: [String: [(width: String?, index: TargetTable.UniqueIndex)]] = [:]
        var last: String?
        for row in rows {
            let table = row[5] ?? ""
            if last != row[0] {
                let index = TargetTable.UniqueIndex(
                    isPrimary: row[1] == "t", columns: [], operators: [])
                indexes[table, default: []].append((row[6], index))
            }
            last = row[0]
            let place = (indexes[table]?.count ?? 1) - 1
            let schema = SQLText.identifier(row[3] ?? "pg_catalog")
            indexes[table]?[place].index.columns.append(row[2] ?? "")
            indexes[table]?[place].index.operators.append(
                "operator(\(schema).\(row[4] ?? "="))")
        }
        // One of whose columns has no equality is no way to a row.
        return indexes.mapValues { indexes in
            indexes.filter { $0.width == "\($0.index.columns.count)" }.map(\.index)
        }
    }
}
