import LeatTestSupport

/// The tables of the histories: each shape of identity, key and value once.
///
/// A native subscription is the judge, so what it does otherwise than Leat is left to the tables
/// of publication `exact`, which are judged against the source:
///
/// - With REPLICA IDENTITY FULL it looks for the row by `=`: of 1.0 and 1.00, of 'A' and 'a' as
///   citext, of 0 and -0 it changes any. So `whole` has only values that are equal if they are
///   the same.
/// - With REPLICA IDENTITY FULL it stops on types without `=`: json, point.
///
/// Left out altogether: TRUNCATE of a single partition, which is not sent when the root is
/// published; updates and deletes of what a publication sends only the inserts of.
struct HistorySchema: Sendable {
    let version: PostgresVersion
    let tables: [HistoryTable]

    init(_ version: PostgresVersion) {
        self.version = version
        tables =
            Self.keyed + Self.caseless(version) + Self.unique + Self.whole + Self.wide
            + Self.related + Self.partitioned + Self.generated(version) + Self.partly + Self.others
    }

    subscript(name: String) -> HistoryTable? { tables.first { $0.name == name } }

    func tables(_ publication: HistoryTable.Publication) -> [HistoryTable] {
        tables.filter { $0.publication == publication }
    }

    // MARK: SQL

    /// A table without a stream, and the one that says how far a target has come.
    private static let bookkeeping = """
        create table unpublished (v int);
        create table marker (n int primary key);
        """

    private var extensions: String {
        version == .v15 ? "create extension citext;\n" : ""
    }

    var sourceDDL: String {
        extensions + Self.bookkeeping + tables.map(\.ddl).joined(separator: "\n")
    }

    var targetDDL: String {
        extensions + Self.bookkeeping
            + tables.map { $0.targetDDL ?? $0.ddl }.joined(separator: "\n")
    }

    var publications: String {
        let options: [HistoryTable.Publication: String] = [
            .main: "publish_via_partition_root = true",
            .leaves: "publish_via_partition_root = false",
            .inserts: "publish = 'insert'", .exact: "publish = 'insert, update, delete, truncate'",
        ]
        return HistoryTable.Publication.allCases.map { publication in
            let list = tables(publication).map { table in
                (table.rest.contains("partition by") ? "" : "only ") + table.name + table.publishing
            }
            let all = (publication == .main ? ["marker"] : []) + list
            return """
                create publication \(publication.rawValue) for table \(all.joined(separator: ", "))
                  with (\(options[publication] ?? ""));
                """
        }.joined(separator: "\n")
    }

    /// Name, number of rows and a hash over them for every table.
    func hashes(onSource: Bool) -> String {
        tables.map { table in
            """
            select '\(table.name.replacing("'", with: "''"))', count(*),
              coalesce(md5(string_agg(r, E'\\n' order by r collate "C")), '')
            from (\(rows(of: table, onSource: onSource))) s
            """
        }.joined(separator: "\nunion all\n")
    }

    /// The rows of a table in their text form, as column `r`.
    func rows(of table: HistoryTable, onSource: Bool) -> String {
        let columns = table.judged.isEmpty ? table.columns.map(\.name) : table.judged
        let filter = onSource ? table.filter.map { " where \($0)" } ?? "" : ""
        return """
            select row(\(columns.joined(separator: ", ")))::text as r from \(table.name)\(filter)
            """
    }
}

// MARK: The tables

extension HistorySchema {
    private static let keyed = [
        HistoryTable(
            name: "plain",
            columns: [
                .init("id", .integers(1...12)), .init("v", .integers(0...5), isNullable: true),
                .init("note", .texts, isNullable: true), .init("a", .arrays, isNullable: true),
            ], keys: [["id"]],
            definition: "gone int, id int primary key, v int, gone2 text, note text, a int[]",
            rest: "alter table plain drop gone, drop gone2", abilities: [.upsert, .bulk, .truncate]),
        HistoryTable(
            name: "decimal_key", columns: [.init("k", .decimals), .init("v", .decimals)],
            keys: [["k"]], definition: "k numeric primary key, v numeric",
            abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "float_key", columns: [.init("k", .floats), .init("v", .floats)], keys: [["k"]],
            definition: "k float8 primary key, v float8", abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "two_keys",
            columns: [
                .init("v", .words, isNullable: true), .init("a", .integers(1...3)),
                .init("b", .texts),
            ], keys: [["b", "a"]], definition: "v text, a int, b text, primary key (b, a)",
            abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "mixed_keys",
            columns: [
                .init("n", .decimals), .init("f", .floats), .init("v", .integers(0...5)),
            ], keys: [["n", "f"]], definition: "n numeric, f float8, v int, primary key (n, f)",
            abilities: [.upsert]),
        HistoryTable(
            name: "by_index",
            columns: [
                .init("id", .integers(1...12)), .init("code", .words),
                .init("v", .integers(0...5), isNullable: true),
            ], keys: [["code"], ["id"]],
            definition: "id int primary key, code text not null, v int",
            rest: """
                create unique index by_code on by_index (code);
                alter table by_index replica identity using index by_code
                """, abilities: [.truncate]),
        HistoryTable(
            name: #""Odd ""name"" \ ü 'x' %s $1""#,
            columns: [
                .init(#""Id ""1""""#, .integers(1...12)),
                .init(#""ünï. \x""#, .texts, isNullable: true),
            ], keys: [[#""Id ""1""""#]],
            definition: #""Id ""1""" int primary key, "ünï. \x" text"#, abilities: [.upsert]),
    ]

    private static func caseless(_ version: PostgresVersion) -> [HistoryTable] {
        guard version == .v15 else { return [] }
        return [
            HistoryTable(
                name: "caseless",
                columns: [
                    .init("k", .caseless), .init("u", .caseless, isUpdated: false),
                    .init("v", .caseless, isNullable: true),
                ], keys: [["k"], ["u"]],
                definition: "k citext primary key, u citext not null unique, v citext",
                abilities: [.truncate])
        ]
    }

    private static let unique = [
        HistoryTable(
            name: "swapped",
            columns: [
                .init("id", .integers(1...8)), .init("u", .integers(1...8), isUpdated: false),
                .init("w", .words, isNullable: true, isUpdated: false),
                .init("v", .integers(0...5)),
            ], keys: [["id"], ["u"], ["w"]],
            definition: "id int primary key, u int not null unique, w text unique, v int",
            abilities: [.truncate]),
        HistoryTable(
            name: "swapped_later",
            columns: [
                .init("id", .integers(1...8)), .init("u", .integers(1...8), isUpdated: false),
                .init("v", .integers(0...5)),
            ], keys: [["id"], ["u"]],
            definition: """
                id int primary key, u int not null unique deferrable initially deferred, v int
                """, abilities: [.deferredSwap, .truncate]),
    ]

    private static let whole = [
        HistoryTable(
            name: "whole",
            columns: [
                .init("a", .integers(1...3), isNullable: true),
                .init("b", .words, isNullable: true), .init("f", .booleans, isNullable: true),
            ], definition: "a int, b text, f bool", rest: "alter table whole replica identity full",
            abilities: [.truncate]),
        HistoryTable(
            name: "whole_keyed",
            columns: [.init("id", .integers(1...12)), .init("v", .texts, isNullable: true)],
            keys: [["id"]], definition: "id int primary key, v text",
            rest: "alter table whole_keyed replica identity full",
            abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "whole_exact",
            columns: [
                .init("n", .decimals, isNullable: true), .init("j", .documents, isNullable: true),
                .init("p", .points, isNullable: true), .init("f", .floats, isNullable: true),
            ], definition: "n numeric, j json, p point, f float8",
            rest: "alter table whole_exact replica identity full", publication: .exact,
            abilities: [.truncate]),
    ]

    private static let wide = [
        HistoryTable(
            name: "wide",
            columns: [
                .init("id", .integers(1...6)), .init("small", .integers(0...5)),
                .init("big", .wideTexts, isNullable: true),
                .init("bigger", .wideTexts, isNullable: true),
            ], keys: [["id"]], definition: "id int primary key, small int, big text, bigger text",
            rest: """
                alter table wide alter big set storage external, alter bigger set storage external
                """, abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "wide_whole",
            columns: [
                .init("id", .integers(1...4)), .init("small", .integers(0...5)),
                .init("big", .wideTexts, isNullable: true),
            ], definition: "id int, small int, big text",
            rest: """
                alter table wide_whole alter big set storage external;
                alter table wide_whole replica identity full
                """, abilities: [.truncate]),
    ]

    private static let related = [
        HistoryTable(
            name: "orders", columns: [.init("id", .integers(1...6)), .init("v", .words)],
            keys: [["id"]], definition: "id int primary key, v text"),
        HistoryTable(
            name: "lines",
            columns: [
                .init("id", .integers(1...20)),
                .init("order_id", .integers(1...6), isNullable: true, isUpdated: false),
                .init("v", .integers(0...5)),
            ], keys: [["id"]],
            definition: """
                id int primary key, order_id int references orders on delete cascade
                  on update cascade deferrable initially deferred, v int
                """,
            insertCondition: """
                (v.order_id is null or exists (select from orders o where o.id = v.order_id))
                """),
        HistoryTable(
            name: "base", columns: [.init("id", .integers(1...10)), .init("v", .words)],
            keys: [["id"]], definition: "id int primary key, v text", abilities: [.truncate],
            judged: ["tableoid::regclass", "id", "v"]),
        HistoryTable(
            name: "derived",
            columns: [
                .init("id", .integers(11...20)), .init("v", .words),
                .init("more", .integers(0...5), isNullable: true),
            ], keys: [["id"]], definition: "more int, primary key (id)", rest: " inherits (base)",
            abilities: [.truncate]),
    ]

    private static let partitioned = [
        HistoryTable(
            name: "parted",
            columns: [
                .init("id", .integers(1...8)), .init("region", .regions),
                .init("v", .wideTexts, isNullable: true),
            ], keys: [["id", "region"]],
            definition: "id int, region text, v text, primary key (id, region)",
            rest: """
                 partition by list (region);
                create table parted_eu partition of parted for values in ('eu')
                  partition by range (id);
                create table parted_eu_low partition of parted_eu
                  for values from (minvalue) to (4);
                create table parted_eu_high partition of parted_eu
                  for values from (4) to (maxvalue);
                create table parted_us (v text, region text not null, id int not null);
                alter table parted attach partition parted_us for values in ('us');
                create table parted_rest partition of parted default
                """,
            targetDDL: """
                create table parted (region text, id int, v text, primary key (id, region))
                  partition by hash (id);
                create table parted_0 partition of parted for values with (modulus 2, remainder 0);
                create table parted_1 partition of parted for values with (modulus 2, remainder 1);
                """, abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "leafy",
            columns: [.init("id", .integers(1...12)), .init("v", .words, isNullable: true)],
            keys: [["id"]], definition: "id int primary key, v text",
            rest: """
                 partition by range (id);
                create table leafy_low partition of leafy for values from (minvalue) to (6);
                create table leafy_high partition of leafy for values from (6) to (maxvalue)
                """, publication: .leaves, abilities: [.upsert, .truncate],
            judged: ["tableoid::regclass", "id", "v"]),
    ]

    private static func generated(_ version: PostgresVersion) -> [HistoryTable] {
        let computed = "twice int generated always as (v * 2) stored"
        let isNew = version.rawValue >= 18
        return [
            HistoryTable(
                name: "computed",
                columns: [.init("id", .integers(1...12)), .init("v", .integers(0...5))],
                keys: [["id"]],
                definition:
                    "\(computed), id int generated by default as identity primary key, v int"
                    + (isNew ? ", more int generated always as (v + 1) virtual" : ""),
                abilities: [.upsert, .truncate],
                judged: ["id", "v", "twice"] + (isNew ? ["more"] : [])),
            HistoryTable(
                name: "numbered",
                columns: [.init("id", .integers(1...12)), .init("v", .words)], keys: [["id"]],
                definition: "id int generated always as identity primary key, v text",
                abilities: [.truncate, .overriding]),
        ]
    }

    /// Of which not all is sent, or not all is the same on the target.
    private static let partly = [
        HistoryTable(
            name: "filtered",
            columns: [
                .init("id", .integers(1...8)), .init("kept", .booleans), .init("v", .words),
            ], keys: [["id", "kept"]],
            definition: "id int, kept bool, v text, primary key (id, kept)",
            publishing: " where (kept)", filter: "kept"),
        HistoryTable(
            name: "listed",
            columns: [
                .init("secret", .texts, isNullable: true), .init("id", .integers(1...12)),
                .init("v", .words, isNullable: true),
            ], keys: [["id"]], definition: "secret text, id int primary key, v text",
            targetDDL: "create table listed (v text, id int primary key);",
            publishing: " (id, v)", judged: ["id", "v"]),
        HistoryTable(
            name: "reshaped",
            columns: [
                .init("id", .integers(1...12)), .init("s", .integers(-5...5, "int2")),
                .init("d", .instants, isNullable: true), .init("v", .words, isNullable: true),
            ], keys: [["id"]],
            definition: "id int primary key, s int2, gone int, d timestamp, v varchar(10)",
            rest: "alter table reshaped drop gone",
            targetDDL: """
                create table reshaped (own text default 'x', v text, d timestamp, s int8,
                  id bigint primary key);
                """, abilities: [.upsert, .truncate]),
        HistoryTable(
            name: "appended", columns: [.init("v", .integers(0...5)), .init("note", .texts)],
            definition: "v int, note text", rest: "alter table appended replica identity nothing",
            publication: .inserts, abilities: [.insertOnly]),
    ]

    /// Written by the second session alone, so that nobody waits for locks.
    static let beside = "beside"

    private static let others = [
        HistoryTable(
            name: beside,
            columns: [
                .init("id", .integers(1...12)), .init("v", .integers(0...5)),
                .init("note", .texts, isNullable: true),
            ], keys: [["id"]], definition: "id int primary key, v int, note text",
            abilities: [.upsert, .bulk])
    ]
}
