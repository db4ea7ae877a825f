internal import Foundation
internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient

/// Creates on the target what a base's `pg_dump --schema-only` holds, in one transaction; but for
/// constraints that are NOT VALID, which the base's own rows may violate: see ``PendingSchema``.
struct BaseSchema {
    let archive: String
    let base: BaseManifest
    let configuration: ReplayConfiguration
    let logger: Logger

    func create() async throws {
        let folder = ArchiveFolder(archive)
        let script: [UInt8]?
        do { script = try folder.schema(of: base) } catch { throw Halt(error, archive: archive) }
        guard let script else {
            throw Halt(
                .configuration, "Base \(base.point) holds no schema.",
                advice: "Create the tables yourself, and leave out --schema.")
        }
        let connection = try await Connection.open(
            configuration.target, peer: .target, stream: configuration.stream)
        try await closing(connection) {
            let parts = SchemaScript(String(decoding: script, as: UTF8.self))
            guard parts.foreignCommands.isEmpty else {
                throw Halt(
                    .configuration, "The schema of base \(base.point) holds commands of psql.",
                    advice: "Look at it, create the tables yourself, and leave out --schema.")
            }
            let statements = parts.first + later(parts.afterRows)
            try await create(statements.joined(separator: "\n"), on: connection)
        }
    }

    /// Renames what was made, and notes what is for after the rows, under its names of then.
    private func later(_ afterRows: [String]) -> [String] {
        let stream = configuration.stream
        let renaming = renaming()
        guard !renaming.isEmpty, !afterRows.isEmpty else {
            return renaming + [PendingSchema.note(afterRows, of: stream)]
        }
        return [PendingSchema.remembering] + afterRows + renaming
            + [PendingSchema.notingMade(for: stream)]
    }

    /// What was made under the source's names gets those of the target. Sequences that a column owns go
    /// with its table.
    private func renaming() -> [String] {
        let rules = configuration.applying.renames
        let routes = tables.map { rules.route(of: $0) }.filter(\.isRenamed)
        let sequences = base.sequences.map { TableName(schema: $0.schema, name: $0.name) }
            .filter { rules.target(of: $0) != $0 }
        let types = types.filter { rules.target(of: $0) != $0 }
        let schemas = Set(
            routes.map(\.target.schema) + (sequences + types).map { rules.target(of: $0).schema })
        return schemas.sorted().map {
            "create schema if not exists \(SQLText.identifier($0));"
        } + (types.isEmpty ? [] : [moving(types)]) + TableRoute.statements(renaming: routes)
            + sequences.flatMap {
                RenamePlan.statements(
                    from: $0, to: rules.target(of: $0), kind: "sequence if exists")
            }
    }

    /// By their names on the source: the types that columns are of, and what those are made of.
    private var types: [TableName] {
        base.description.catalog.types.compactMap(\.type).filter { type in
            switch type.kind {
            case .enum, .domain, .composite, .range, .multirange: !type.isBuiltIn
            case .base, .pseudo: false
            }
        }.map(\.fullName)
    }

    /// Those of an extension stay with it, row types go with their table or view, and a multirange goes
    /// with its range.
    private func moving(_ types: [TableName]) -> String {
        let schemas = types.map { configuration.applying.renames.target(of: $0).schema }
        return """
            do $leat$
            declare
              statement pg_catalog.text;
            begin
              for statement in
                select distinct pg_catalog.format('alter %s %s set schema %I',
                  case t.typtype when 'd' then 'domain' else 'type' end,
                  t.oid::pg_catalog.regtype, v.destination)
                from unnest(\(SQLText.textArray(types.map(\.schema))),
                  \(SQLText.textArray(types.map(\.name))), \(SQLText.textArray(schemas)))
                  v (schema, name, destination)
                join pg_catalog.pg_namespace n on n.nspname = v.schema
                join pg_catalog.pg_type y on y.typnamespace = n.oid and y.typname = v.name
                left join pg_catalog.pg_range r on r.rngtypid = y.oid
                join pg_catalog.pg_type t on t.oid in (y.oid, r.rngmultitypid)
                  and t.typnamespace = n.oid
                left join pg_catalog.pg_class c on c.oid = t.typrelid
                where coalesce(c.relkind = 'c', true) and not exists (
                  select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid
                    and d.deptype = 'e')
              loop
                execute statement;
              end loop;
            end $leat$;
            """
    }

    /// By their names on the source.
    private var tables: [TableName] {
        base.tables.map { TableName(schema: $0.schema, name: $0.name) }
    }

    private func create(_ statements: String, on connection: Connection) async throws {
        let rules = configuration.applying.renames
        let names = tables.map { rules.route(of: $0).target }
        let there = try await connection.run { session in
            let known = try TableNames(session: session).known(oids: [], names: names)
            return names.filter { known[$0] != nil }
        }
        guard there.isEmpty else {
            guard there.count < names.count else {
                return logger.info("the tables are there already; no schema was created")
            }
            throw Halt(
                .preflight,
                "Some of the base's tables are on the target already: \(NameList.text(there.map(\.description))).",
                advice: "Drop them, or create the others yourself and leave out --schema.")
        }
        do {
            // Several statements at once are one transaction: all of it or nothing.
            try await connection.run { session in _ = try session.execute(statements) }
        } catch let error as ConnectionError where error.code == .server {
            throw Halt(
                .target, "The base's schema cannot be created: \(error).",
                advice: """
                    Nothing of it was. It is plain SQL: create what it needs (roles, extensions, \
                    tablespaces), or edit and run it with psql, and leave out --schema.
                    """)
        }
        logger.info("schema created", metadata: ["tables": "\(names.count)"])
    }
}
