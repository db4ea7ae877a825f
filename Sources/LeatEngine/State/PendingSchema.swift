internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// What of a base's schema is made once its rows are there: `leat.pending_schema`.
///
/// It is written in the transaction that makes the rest of the schema, and goes in the one that
/// makes it. It is kept beside the stream's rows and not with them: a rewind leaves the tables.
struct PendingSchema {
    let session: Session
    let stream: StreamName

    /// SQL that notes the statements, for the script that makes the rest.
    static func note(_ statements: [String], of stream: StreamName) -> String {
        guard !statements.isEmpty else { return "" }
        return """
            insert into leat.pending_schema (stream, statements)
            values (\(SQLText.literal(stream.text)), \(SQLText.textArray(statements)))
            on conflict (stream) do update set statements = excluded.statements;
            """
    }

    // MARK: Under other names

    /// Before the statements for after the rows, where what they are about is then renamed: they are
    /// run while the tables are empty, under the names that they have.
    static let remembering = """
        select pg_catalog.set_config('leat.constraints', (
          select coalesce(pg_catalog.string_agg(oid::pg_catalog.text, ','), '')
          from pg_catalog.pg_constraint), true);
        """

    /// Behind those, and behind the renames: what the constraints are by now is noted, and they go
    /// until the rows are there.
    static func notingMade(for stream: StreamName) -> String {
        """
        do $leat$
        declare
          made record;
          noted pg_catalog.text[] := '{}';
        begin
          for made in
            select k.conname, pg_catalog.pg_get_constraintdef(k.oid) as definition,
              pg_catalog.obj_description(k.oid, 'pg_constraint') as remark,
              case when k.contypid = 0 then 'table ' || k.conrelid::pg_catalog.regclass
                else 'domain ' || k.contypid::pg_catalog.regtype end as owner,
              case when k.contypid = 0 then k.conrelid::pg_catalog.regclass::pg_catalog.text
                else 'domain ' || k.contypid::pg_catalog.regtype end as place
            from pg_catalog.pg_constraint k
            where k.conislocal and k.conparentid = 0 and k.oid <> all (
              pg_catalog.string_to_array(
                pg_catalog.current_setting('leat.constraints'), ',')::pg_catalog.oid[])
            order by k.coninhcount, k.oid
          loop
            noted := noted || pg_catalog.format('alter %s add constraint %I %s;',
              made.owner, made.conname, made.definition);
            if made.remark is not null then
              noted := noted || pg_catalog.format('comment on constraint %I on %s is %L;',
                made.conname, made.place, made.remark);
            end if;
            execute pg_catalog.format('alter %s drop constraint %I', made.owner, made.conname);
          end loop;
          if noted <> '{}' then
            insert into leat.pending_schema (stream, statements)
            values (\(SQLText.literal(stream.text)), noted)
            on conflict (stream) do update set statements = excluded.statements;
          end if;
        end $leat$;
        """
    }

    // MARK: Later

    func statements() throws -> [String] {
        try session.query(
            """
            select pg_catalog.array_to_json(statements) as statements from leat.pending_schema
            where stream = $1
            """, with: [stream.text]
        ).firstRecord?.strings("statements") ?? []
    }

    /// - Returns: How many statements there were.
    func make() throws -> Int {
        let statements = try statements()
        guard !statements.isEmpty else { return 0 }
        let done = """
            delete from leat.pending_schema where stream = \(SQLText.literal(stream.text));
            """
        do {
            // Several statements at once are one transaction.
            try session.execute((statements + [done]).joined(separator: "\n"))
        } catch {
            guard error.code == .server else { throw error }
            throw Halt(
                .target,
                "What is left of the base's schema cannot be created: \(error).",
                advice: """
                    The rows are there. Mend it and start again; or run these yourself, as you need \
                    them, and say so:
                    \((statements + [done]).joined(separator: "\n"))
                    """)
        }
        return statements.count
    }

    func forget() throws {
        guard try LeatSchema.isPresent("leat.pending_schema", on: session) else { return }
        try session.query("delete from leat.pending_schema where stream = $1", with: [stream.text])
    }
}
