/// Schema `leat` as the version before publications were compared, and rewrites noticed, has left it: a
/// `pg_dump` of a target of its own with two rows of tables, but for what is a database's own, which
/// stands in braces.
enum EarlierVersionSchema {
    static let dump = #"""
        CREATE SCHEMA leat;
        CREATE TABLE leat.conflicts (
            id bigint NOT NULL,
            stream text NOT NULL,
            "time" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
            lsn pg_lsn NOT NULL,
            xid bigint NOT NULL,
            schema_name text NOT NULL,
            table_name text NOT NULL,
            kind text NOT NULL,
            policy text NOT NULL,
            key_columns text[] NOT NULL,
            key_values text[],
            constraint_name text,
            message text,
            CONSTRAINT conflicts_policy_check CHECK ((policy = ANY (ARRAY['apply'::text, 'skip'::text])))
        );
        ALTER TABLE leat.conflicts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
            SEQUENCE NAME leat.conflicts_id_seq
            START WITH 1
            INCREMENT BY 1
            NO MINVALUE
            NO MAXVALUE
            CACHE 1
        );
        CREATE TABLE leat.partitions (
            stream text NOT NULL,
            root_oid oid NOT NULL,
            partition_oid oid NOT NULL,
            schema_name text NOT NULL,
            table_name text NOT NULL,
            change text,
            noticed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
            CONSTRAINT partitions_change_check CHECK ((change = ANY (ARRAY['attached'::text, 'detached'::text, 'dropped'::text])))
        );
        CREATE TABLE leat.progress (
            stream text NOT NULL,
            state text NOT NULL,
            end_lsn pg_lsn NOT NULL,
            commit_time timestamp with time zone,
            slot text NOT NULL,
            owns_slot boolean NOT NULL,
            publications text[] NOT NULL,
            publication_oids text[] NOT NULL,
            owns_publication boolean NOT NULL,
            source_system_identifier text NOT NULL,
            source_database text NOT NULL,
            source_timeline bigint NOT NULL,
            target_system_identifier text NOT NULL,
            target_database text NOT NULL,
            format text NOT NULL,
            encoding text NOT NULL,
            spool text,
            created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
            updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
            CONSTRAINT progress_state_check CHECK ((state = ANY (ARRAY['creating'::text, 'streaming'::text])))
        )
        WITH (fillfactor='10');
        CREATE TABLE leat.tables (
            stream text NOT NULL,
            schema_name text NOT NULL,
            table_name text NOT NULL,
            state text NOT NULL,
            snapshot_lsn pg_lsn,
            source_oid oid,
            target_oid oid,
            column_numbers text[],
            scans_for_rows boolean,
            unsent_kinds text,
            membership text NOT NULL,
            copy_attempt text,
            rows_copied bigint,
            updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
            CONSTRAINT tables_state_check CHECK ((state = ANY (ARRAY['init'::text, 'datasync'::text, 'ready'::text])))
        );
        CREATE TABLE leat.triggers (
            stream text NOT NULL,
            schema_name text NOT NULL,
            table_name text NOT NULL,
            trigger_name text NOT NULL,
            enabled "char" NOT NULL,
            disabled_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
            CONSTRAINT triggers_enabled_check CHECK ((enabled = ANY (ARRAY['O'::"char", 'A'::"char"])))
        );
        INSERT INTO leat.progress (stream, state, end_lsn, commit_time, slot, owns_slot,
        publications, publication_oids, owns_publication, source_system_identifier,
        source_database, source_timeline, target_system_identifier, target_database, format,
        encoding, spool, created_at, updated_at)
        VALUES ('{stream}', 'streaming', '{end}', '2026-11-30 16:36:23.959635+00', 'leat_{stream}',
        true, '{leat_{stream}}', '{leat_{stream}:{publication}}', true, '{source_system}',
        '{stream}', 1, '{target_system}', '{stream}', 'binary', 'UTF8', NULL,
        '2026-11-30 16:36:23.626156+00', '2026-11-30 16:36:24.327875+00');
        INSERT INTO leat.tables (stream, schema_name, table_name, state, snapshot_lsn, source_oid,
        target_oid, column_numbers, scans_for_rows, unsent_kinds, membership, copy_attempt,
        rows_copied, updated_at)
        VALUES ('{stream}', 'public', 'kept', 'ready', '{snapshot:kept}', {source:kept},
        {target:kept}, '{"1 1 id","2 2 note","3 3 v"}', false, '', '{membership:kept}',
        '15655547662943523629', 5, '2026-11-30 16:36:23.675259+00');
        INSERT INTO leat.tables (stream, schema_name, table_name, state, snapshot_lsn, source_oid,
        target_oid, column_numbers, scans_for_rows, unsent_kinds, membership, copy_attempt,
        rows_copied, updated_at)
        VALUES ('{stream}', 'public', 'log', 'ready', '{snapshot:log}', {source:log}, {target:log},
        '{"1 1 a","2 2 b"}', true, '', '{membership:log}', '15655547662943523629', 2,
        '2026-11-30 16:36:23.674274+00');
        INSERT INTO leat.tables (stream, schema_name, table_name, state, snapshot_lsn, source_oid,
        target_oid, column_numbers, scans_for_rows, unsent_kinds, membership, copy_attempt,
        rows_copied, updated_at)
        VALUES ('{stream}', 'public', 'parts', 'ready', '{snapshot:parts}', {source:parts},
        {target:parts}, '{"1 1 id","2 2 d"}', false, '', '{membership:parts}',
        '15655547662943523629', 0, '2026-11-30 16:36:23.676031+00');
        SELECT pg_catalog.setval('leat.conflicts_id_seq', 1, false);
        ALTER TABLE ONLY leat.conflicts
            ADD CONSTRAINT conflicts_pkey PRIMARY KEY (id);
        ALTER TABLE ONLY leat.partitions
            ADD CONSTRAINT partitions_pkey PRIMARY KEY (stream, root_oid, partition_oid);
        ALTER TABLE ONLY leat.progress
            ADD CONSTRAINT progress_pkey PRIMARY KEY (stream);
        ALTER TABLE ONLY leat.tables
            ADD CONSTRAINT tables_pkey PRIMARY KEY (stream, schema_name, table_name);
        ALTER TABLE ONLY leat.triggers
            ADD CONSTRAINT triggers_pkey PRIMARY KEY (stream, schema_name, table_name, trigger_name);
        """#
}
