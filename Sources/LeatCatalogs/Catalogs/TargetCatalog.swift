internal import LeatCore
internal import PGClient

/// Reads from the target's catalogs where changes can be written.
struct TargetCatalog {
    package let session: Session

    package enum Problem: Error, Sendable, Equatable {
        case missing
        /// A view, a foreign or unlogged table: what the sentence says.
        case unsuitable(String)
        case lacksPrivilege(String)
        case lacksSchemaUsage
        case rowSecurity
    }

    /// What is known of each table; a `ConnectionError` is thrown. In three queries, however many
    /// the tables are.
    package func tables(_ names: [TableName]) throws -> [TableName: Result<TargetTable, Problem>] {
        let rows = try session.query(TargetCatalog.tablesQuery(names)).records
        let oids = SQLText.oidArray(try rows.map { try $0.id("oid") })
        let columns = try columns(oids)
        let indexes = try uniqueIndexes(oids)
        var tables: [TableName: Result<TargetTable, Problem>] = Dictionary(
            names.map { ($0, .failure(.missing)) }, uniquingKeysWith: { first, _ in first })
        for row in rows {
            let (name, oid) = (try row.table(), try row.id("oid"))
            do {
                tables[name] = .success(
                    try table(
                        name, from: row, columns: columns[oid] ?? [], indexes: indexes[oid] ?? []))
            } catch let problem as Problem {
                tables[name] = .failure(problem)
            }
        }
        return tables
    }

    private func table(
        _ name: TableName, from row: Record, columns: [TargetTable.Column],
        indexes: [TargetTable.UniqueIndex]
    ) throws -> TargetTable {
        let relkind = try row.text("relkind")
        guard let kind = TargetTable.Kind(rawValue: relkind) else {
            throw Problem.unsuitable("it is \(TargetCatalog.kind(relkind))")
        }
        guard try row.text("relpersistence") == "p" else {
            throw Problem.unsuitable("it is \(TargetCatalog.unlogged)")
        }
        if kind == .partitioned { try checkPartitions(try row.id("oid")) }
        guard try row.bool("has_usage") else { throw Problem.lacksSchemaUsage }
        let lacking = try row.text("lacking")
        guard lacking.isEmpty else { throw Problem.lacksPrivilege(lacking) }
        guard try !row.bool("is_secured") else { throw Problem.rowSecurity }
        return TargetTable(
            name: name, kind: kind, columns: columns, uniqueIndexes: indexes,
            hasSeveralConstraints: try row.bool("has_several"), fires: try row.bool("fires"),
            canRestartIdentity: try row.bool("can_restart"),
            mayLeaveOut: try row.bool("may_leave_out"), locks: try row.int("locks"))
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
    private static func kind(_ relkind: String) -> String {
        switch relkind {
        case "v": "a view"
        case "m": "a materialized view"
        default: "a foreign table"
        }
    }

    /// Rows go to the partitions, whatever the root is.
    private func checkPartitions(_ oid: UInt32) throws {
        let row = try session.query(
            """
            select c.oid::pg_catalog.regclass as name, c.relkind
            from pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass) p
            join pg_catalog.pg_class c on c.oid = p.relid
            where c.relkind = 'f' or c.relpersistence <> 'p' order by 1 limit 1
            """, with: ["\(oid)"]
        ).firstRecord
        guard let row else { return }
        let kind = try row.text("relkind")
        let what = kind == "f" ? TargetCatalog.kind(kind) : TargetCatalog.unlogged
        throw Problem.unsuitable("its partition \(try row.text("name")) is \(what)")
    }

    /// By the table's OID.
    private func columns(_ oids: String) throws -> [UInt32: [TargetTable.Column]] {
        var columns: [UInt32: [TargetTable.Column]] = [:]
        for row in try session.query(
            """
            select a.attname, a.atttypid, a.atttypmod,
              pg_catalog.format_type(a.atttypid, a.atttypmod) as definition,
              a.attgenerated <> '' as is_generated, a.attidentity, a.attnotnull, a.atthasdef,
              a.attnum, a.attrelid,
              case when a.attgenerated <> '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end
                as expression
            from pg_catalog.pg_attribute a
            left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = any (\(oids)) and a.attnum > 0 and not a.attisdropped
            order by a.attrelid, a.attnum
            """
        ).records {
            var column = TargetTable.Column(
                number: try row.int("attnum"), name: try row.text("attname"),
                typeOID: try row.id("atttypid"), typeModifier: try row.int32("atttypmod"),
                definition: try row.text("definition"), isGenerated: try row.bool("is_generated"),
                identity: try row.value(of: "attidentity", as: "a kind of identity") {
                    TargetCatalog.identities[$0]
                }, isNotNull: try row.bool("attnotnull"), hasDefault: try row.bool("atthasdef"))
            column.generationExpression = try row.optionalText("expression")
            columns[try row.id("attrelid"), default: []].append(column)
        }
        return columns
    }

    /// By `attidentity`.
    private static let identities: [String: TargetTable.Column.Identity] = [
        "": .none, "a": .always, "d": .byDefault,
    ]

    /// By the table's OID. Strategy 3 of a btree operator family is equality. A key WITHOUT OVERLAPS
    /// (18 and newer) is a GiST index, whose operators have numbers of their own: 3 may be
    /// "overlaps".
    private func uniqueIndexes(_ oids: String) throws -> [UInt32: [TargetTable.UniqueIndex]] {
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
              i.indnkeyatts, r.relname
            from wanted i
            join pg_catalog.pg_class r on r.oid = i.indexrelid
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
        ).records
        var indexes: [UInt32: [(width: Int, index: TargetTable.UniqueIndex)]] = [:]
        var last: UInt32?
        for row in rows {
            let (table, oid) = (try row.id("indrelid"), try row.id("indexrelid"))
            if last != oid {
                let index = TargetTable.UniqueIndex(
                    isPrimary: try row.bool("indisprimary"), columns: [], operators: [],
                    name: try row.text("relname"))
                indexes[table, default: []].append((try row.int("indnkeyatts"), index))
            }
            last = oid
            let place = indexes[table, default: []].count - 1
            let schema = SQLText.identifier(try row.text("nspname"))
            indexes[table]?[place].index.columns.append(try row.text("attname"))
            indexes[table]?[place].index.operators.append(
                "operator(\(schema).\(try row.text("oprname")))")
        }
        // One of whose columns has no equality is no way to a row.
        return indexes.mapValues { indexes in
            indexes.filter { $0.width == $0.index.columns.count }.map(\.index)
        }
    }
}
