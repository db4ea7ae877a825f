internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient

/// What a stream does not bring to the target, though one might think so.
struct LeftOut: Sendable, Equatable {
    /// A table, or what else it is.
    var object: String
    var reason: String
    var kind: Kind
    /// How it could be followed.
    var advice: String?

    enum Kind: String, Sendable {
        /// A table that cannot be followed as things are.
        case unfit
        /// Logical replication does not send it.
        case unsent
        /// A table that was followed: its rows on the target are of then.
        case former
    }

    init(_ object: String, because reason: String, kind: Kind = .unsent) {
        self.object = object
        self.reason = reason
        self.kind = kind
    }

    init(_ table: TableName, halt: Halt) {
        self.init(table.joined, because: halt.message, kind: .unfit)
        advice = halt.advice
    }
}

/// The tables of a start, and what became of the others.
struct SelectedTables<Table: Sendable>: Sendable {
    var tables: [Table]
    /// New ones that cannot be followed.
    var leftOut: [LeftOut] = []
    /// Options that match nothing any more.
    var unmatched: [Selection.Option] = []

    func tellProblems(_ logger: Logger) {
        for option in unmatched { logger.warning("\(option.text) matches no table any more") }
        for item in leftOut {
            let advice = item.advice.map { "\n\($0)\nThen start again: it is copied." } ?? ""
            logger.warning(
                "a new table is left out, for it cannot be followed: \(item.reason)\(advice)",
                metadata: ["table": "\(item.object)"])
        }
    }
}

/// Reads and writes `leat.left_out` for one stream: what its last start left out.
struct LeftOutStore {
    let session: Session
    let stream: StreamName

    /// - Parameters:
    ///   - items: What this start has found.
    ///   - former: Of the tables that were followed once, those that are still on the source and
    ///     not followed.
    func replace(_ items: [LeftOut], former: [String]) throws {
        try session.transaction {
            try session.query(
                """
                delete from leat.left_out where stream = $1
                  and (kind <> 'former' or object <> all (\(SQLText.textArray(former))))
                """, with: [stream.text])
            try add(items)
        }
    }

    /// Tables that are followed no longer: should they come back, they are no new ones.
    func addFormer(_ tables: [TableName]) throws {
        try add(
            tables.map {
                LeftOut($0.joined, because: "it is no longer published or selected", kind: .former)
            })
    }

    /// `schema.table` of those that were followed once.
    func former() throws -> [String] {
        try session.query(
            "select object from leat.left_out where stream = $1 and kind = 'former' order by 1",
            with: [stream.text]
        ).texts()
    }

    private func add(_ items: [LeftOut]) throws {
        guard !items.isEmpty else { return }
        try session.query(
            """
            insert into leat.left_out (stream, kind, object, reason)
            select $1, v.kind, v.object, v.reason from unnest(
              \(SQLText.textArray(items.map(\.kind.rawValue))),
              \(SQLText.textArray(items.map(\.object))),
              \(SQLText.textArray(items.map(\.reason)))) v (kind, object, reason)
            on conflict (stream, kind, object) do update set reason = excluded.reason
            """, with: [stream.text])
    }

    /// `object: reason`.
    static func texts(_ session: Session, stream: String) throws -> [String] {
        guard try LeatSchema.isPresent("leat.left_out", on: session) else { return [] }
        return try session.query(
            """
            select object || ': ' || reason from leat.left_out where stream = $1 order by 1
            """, with: [stream]
        ).texts()
    }
}

/// What a source holds that logical replication does not send, as far as a stream might be thought
/// to follow it.
struct UnsentObjects {
    let session: Session
    let configuration: SourceConfiguration

    private static let told: [SourceCatalog.Unsent.Kind] = [
        .unlogged, .materializedView, .foreign, .ofExtension,
    ]

    /// - Parameter tables: Those that are followed.
    func find(beside tables: [TableName]) throws -> [LeftOut] {
        let catalog = SourceCatalog(session: session)
        let scope = try scope()
        var found = try catalog.unsent().filter { relation in
            UnsentObjects.told.contains(relation.kind)
                && (scope.contains(relation.name) || relation.root.map(tables.contains) ?? false)
        }.map {
            LeftOut(
                "\($0.name)", because: "\($0.kind.text), which logical replication does not send")
        }
        if scope == .all, try catalog.largeObjects() > 0 {
            found.append(
                LeftOut("large objects", because: "logical replication does not send them"))
        }
        let followed = Set(tables)
        found += try catalog.largeObjectColumns().filter { followed.contains($0.table) }.map {
            LeftOut(
                "\($0.table).\($0.column)",
                because: "it names large objects, which are not sent with it")
        }
        return found
    }

    private enum Scope: Equatable {
        case all
        case selected(Selection)
        case schemas([String])

        func contains(_ table: TableName) -> Bool {
            switch self {
            case .all: true
            case .selected(let selection): selection.wants(table)
            case .schemas(let schemas): schemas.contains(table.schema)
            }
        }
    }

    /// Publications of single tables say themselves what they send.
    private func scope() throws -> Scope {
        let selection = configuration.selection
        if configuration.ownsPublication {
            return selection == Selection() ? .all : .selected(selection)
        }
        let names = SQLText.textArray(configuration.publicationNames)
        let isAll =
            try session.query(
                """
                select coalesce(pg_catalog.bool_or(puballtables), false) from pg_catalog.pg_publication
                where pubname = any (\(names))
                """
            ).bool()
        if isAll { return selection == Selection() ? .all : .selected(selection) }
        guard session.serverVersion >= 150_000 else { return .schemas([]) }
        return .schemas(
            try session.query(
                """
                select n.nspname from pg_catalog.pg_publication p
                join pg_catalog.pg_publication_namespace s on s.pnpubid = p.oid
                join pg_catalog.pg_namespace n on n.oid = s.pnnspid
                where p.pubname = any (\(names))
                """
            ).texts())
    }
}

extension Logger {
    /// Each reason once, with what it holds for.
    ///
    /// - Parameter all: Where to see all of them.
    func tell(_ leftOut: [LeftOut], all: String?) {
        for (reason, items) in Dictionary(grouping: leftOut, by: \.reason)
            .sorted(by: { $0.key < $1.key })
        {
            let objects = NameList.text(items.map(\.object), all: all)
            warning("left out: \(reason)", metadata: ["objects": "\(objects)"])
        }
    }
}
