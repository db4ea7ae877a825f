internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// A stream's row of `leat.progress`.
struct Progress: Sendable {
    var stored: StartFacts.Stored
    var publications: [PublicationIdentity]
    var ownsSlot: Bool
    var ownsPublication: Bool
    var targetSystemIdentifier: String
    var targetDatabase: DatabaseKey
    /// The archive between slot and target; nil: there is none.
    var spool: SpoolMark?
    /// Where the row's current version lies: the next change of it names this place, because by
    /// the key each change would walk the versions that an old snapshot keeps alive.
    var ctid: String
}

/// Reads and writes `leat.progress` for one stream.
package struct ProgressStore {
    let session: Session
    let stream: StreamName

    /// Reads the row and locks it until the end of the transaction: a predecessor that is just
    /// committing is waited for, where a plain read would return the position before it.
    func readForUpdate() throws -> Progress? {
        let row = try session.query(
            """
            select state, end_lsn, source_system_identifier, source_database, source_timeline,
              slot, pg_catalog.array_to_json(publication_oids) as publication_oids, owns_slot,
              owns_publication, target_system_identifier, target_database, ctid,
              pg_catalog.to_jsonb(progress) ->> 'spool' as spool,
              \(ProgressStore.lastTransaction) as last_transaction,
              pg_catalog.to_jsonb(progress) ->> 'slot_lsn' as slot_lsn,
              pg_catalog.to_jsonb(progress) ->> 'source_database_oid' as source_database_oid,
              pg_catalog.to_jsonb(progress) ->> 'target_database_oid' as target_database_oid
            from leat.progress where stream = $1 for update
            """, with: [stream.text]
        ).firstRecord
        return try row.map(Progress.init)
    }

    /// See ``SessionZone``.
    private static let zone = "pg_catalog.current_setting('timezone')"

    /// Writes the row before the slot is made: a crash may leave a slot that nobody has used.
    func insertCreating(
        _ configuration: SyncConfiguration, source: SystemIdentity, target: DatabaseIdentity
    ) throws {
        try session.query(
            """
            insert into leat.progress (stream, state, end_lsn, slot, owns_slot, publications,
              publication_oids, owns_publication, source_system_identifier, source_database,
              source_timeline, target_system_identifier, target_database, format, encoding, zone)
            values ($1, 'creating', '0/0', $2, true,
              \(SQLText.textArray(configuration.publicationNames)),
              '{}', $3, $4, $5, $6::pg_catalog.int8, $7, $8,
              'text', $9, \(ProgressStore.zone))
            on conflict (stream) do update set slot = excluded.slot, zone = excluded.zone,
              owns_publication = excluded.owns_publication,
              publications = excluded.publications, source_timeline = excluded.source_timeline,
              updated_at = pg_catalog.clock_timestamp()
            where progress.state = 'creating'
            """,
            with: [
                stream.text, configuration.slotName, "\(configuration.ownsPublication)",
                source.systemIdentifier, source.database, "\(source.timeline)",
                target.systemIdentifier, target.database, target.encoding,
            ])
    }

    /// A stream that reads an archive: there is nothing to create first, so it begins at once.
    func beginReplay(
        of archive: ArchiveDescription, at position: LSN, _ target: DatabaseIdentity
    ) throws {
        let publications = SQLText.textArray(archive.publications.map(\.name))
        let oids = SQLText.textArray(archive.publications.map { "\($0.name):\($0.oid)" })
        try session.query("delete from leat.tables where stream = $1", with: [stream.text])
        try session.query("delete from leat.progress where stream = $1", with: [stream.text])
        try session.query(
            """
            insert into leat.progress (stream, state, end_lsn, slot, owns_slot, publications,
              publication_oids, owns_publication, source_system_identifier, source_database,
              source_timeline, target_system_identifier, target_database, format, encoding, zone)
            values ($1, 'streaming', $2::pg_catalog.pg_lsn, $3, false, \(publications), \(oids),
              false, $4, $5, $6::pg_catalog.int8, $7, $8, 'text', $9, \(ProgressStore.zone))
            """,
            with: [
                stream.text, "\(position)", StreamInput.archive("\(archive.archive)").stored,
                archive.systemIdentifier, archive.database, "\(archive.timeline)",
                target.systemIdentifier, target.database, archive.encoding,
            ])
    }

    /// The slot stands at `position`: the stream has begun. From here on the publications' OIDs
    /// are compared.
    func begin(
        at position: LSN, ownsSlot: Bool, publications: [PublicationIdentity]
    ) throws {
        try session.query(
            """
            update leat.progress set state = 'streaming', end_lsn = $2::pg_catalog.pg_lsn,
              last_transaction = $2, owns_slot = $3::pg_catalog.bool,
              slot_lsn = case when $3::pg_catalog.bool then $2::pg_catalog.pg_lsn end,
              publication_oids = \(SQLText.textArray(publications.map(\.text))),
              updated_at = pg_catalog.clock_timestamp()
            where stream = $1 and state = 'creating'
            """, with: [stream.text, "\(position)", "\(ownsSlot)"])
    }

    /// From the stored position on the stream reads these. One of its own is so under another name
    /// too, but not among others.
    ///
    /// What is before the position cannot be asked for by them, and was compared when the run began
    /// that came here.
    func setPublications(_ publications: [PublicationIdentity]) throws {
        let oids = publications.map { ":\($0.oid)" }.joined()
        try session.query(
            """
            update leat.progress
            set publications = \(SQLText.textArray(publications.map(\.name))),
              publication_oids = \(SQLText.textArray(publications.map(\.text))),
              last_transaction = end_lsn::pg_catalog.text,
              owns_publication = owns_publication
                and publication_oids[1] like '%' || $2 and pg_catalog.cardinality(publication_oids) = 1,
              updated_at = pg_catalog.clock_timestamp()
            where stream = $1
            """, with: [stream.text, oids])
    }

    func setSession(timeline: UInt32, format: String, encoding: String) throws {
        try session.query(
            """
            update leat.progress set source_timeline = $2::pg_catalog.int8, format = $3,
              encoding = $4, zone = \(ProgressStore.zone) where stream = $1
            """, with: [stream.text, "\(timeline)", format, encoding])
    }

    /// By what both databases are known now: one may have been renamed, or be known by its name
    /// alone so far.
    func keepDatabases(source: DatabaseKey?, _ target: DatabaseIdentity) throws {
        try session.query(
            """
            update leat.progress set source_database = coalesce($2, source_database),
              source_database_oid = coalesce($3::pg_catalog.oid, source_database_oid),
              target_system_identifier = $4, target_database = $5,
              target_database_oid = $6::pg_catalog.oid
            where stream = $1
            """,
            with: [
                stream.text, source?.name, source?.oid.map { "\($0)" }, target.systemIdentifier,
                target.database, target.databaseOID.map { "\($0)" },
            ])
    }

    /// Which archive lies between slot and target. Before anything is confirmed from it.
    ///
    /// - Returns: Whether that is new.
    @discardableResult
    func setSpool(_ mark: SpoolMark?) throws -> Bool {
        try session.query(
            """
            update leat.progress set spool = $2 where stream = $1 and spool is distinct from $2
            """, with: [stream.text, mark?.text]
        ).affectedRows == 1
    }

    /// Options that selected a table at an earlier start.
    func selection() throws -> Set<String> {
        let row = try session.query(
            """
            select pg_catalog.array_to_json(selection) as selection from leat.progress
            where stream = $1
            """, with: [stream.text]
        ).firstRecord
        return Set(try row?.stringsIfAny("selection") ?? [])
    }

    func setSelection(_ options: [String]) throws {
        try session.query(
            """
            update leat.progress set selection = \(SQLText.textArray(options)) where stream = $1
            """, with: [stream.text])
    }

    func delete() throws {
        for table in ["left_out", "conflicts", "partitions", "truncates"]
        where try LeatSchema.isPresent("leat.\(table)", on: session) {
            try session.query("delete from leat.\(table) where stream = $1", with: [stream.text])
        }
        try session.query("delete from leat.tables where stream = $1", with: [stream.text])
        try session.query("delete from leat.progress where stream = $1", with: [stream.text])
    }

    /// Moves the position if, and only if, it is the one we left there. One row or none.
    ///
    /// Parameters: the new end, its commit time in microseconds since 2000 or an empty string, the
    /// row's place, the end that stands there, the stream, its ``LastTransaction`` or an empty
    /// string.
    package static let compareAndSet = """
        update leat.progress set end_lsn = $1::pg_catalog.pg_lsn,
          commit_time = coalesce(\(commitTime("$2")), commit_time),
          last_transaction = coalesce(nullif($6, ''), last_transaction),
          updated_at = pg_catalog.clock_timestamp()
        where ctid = $3::pg_catalog.tid and end_lsn = $4::pg_catalog.pg_lsn and stream = $5
        returning ctid
        """

    /// For people. A clock may say anything, but a timestamp ends somewhere: what is before the year
    /// 1 or behind 9999 becomes the nearest.
    private static func commitTime(_ microseconds: String) -> String {
        """
        case when \(microseconds) <> '' then '2000-01-01 00:00:00+00'::pg_catalog.timestamptz
          + greatest(-63113904000000000, least(252455615999000000,
              nullif(\(microseconds), '')::pg_catalog.int8)) * '1 microsecond'::pg_catalog.interval
          end
        """
    }

    /// Nil where another transaction was stored since, by a version that does not keep it.
    private static let lastTransaction = """
        case when commit_time is not distinct from (
          \(commitTime("pg_catalog.split_part(\(storedLast), ' ', 3)"))) then \(storedLast) end
        """

    private static let storedLast = "(pg_catalog.to_jsonb(progress) ->> 'last_transaction')"

    /// The same, as a batch's last statement.
    ///
    /// - Parameters:
    ///   - marksOrigin: Whether the transaction gets an origin's LSN and time.
    ///   - isGuarded: Whether it is to fail by itself, with a division by zero, if the position is
    ///     not the one we left.
    static func compareAndSet(marksOrigin: Bool, isGuarded: Bool) -> String {
        let mark = """
            , pg_catalog.pg_replication_origin_xact_setup($1::pg_catalog.pg_lsn, \(commitTime("$2")))
            """
        let sql = compareAndSet + (marksOrigin ? mark : "")
        guard isGuarded else { return sql }
        return """
            with moved as (\(sql))
            select (select ctid from moved) as ctid, 1 / (select pg_catalog.count(*) from moved)
            """
    }
}

extension Progress {
    /// Whether the stream reads an archive, and no slot.
    var isReplay: Bool { stored.input.isArchive }

    /// A target that was made from a copy of another one has its rows, but not its history.
    /// - Parameter option: Accepts another one.
    func checkTarget(_ target: DatabaseIdentity, option: String?) throws {
        guard !isOf(target) else { return }
        throw Halt(
            .positionMismatch,
            """
            The position on the target was stored in database \(targetDatabase.name) of another \
            system: this target is a copy of it.
            """,
            advice: [
                "Point --target at the original.",
                option.map {
                    """
                    If this one has taken its place for good (it was made by pg_upgrade, or from a \
                    physical copy), start once with \($0).
                    """
                }, "Or remove the stream here with leat cleanup --target-only, and start anew.",
            ].compactMap { $0 }.joined(separator: " "))
    }

    private func isOf(_ target: DatabaseIdentity) -> Bool {
        targetSystemIdentifier == target.systemIdentifier
            && targetDatabase.isSame(as: target.databaseKey)
    }

    /// What has another name than at the last start.
    func tellRenames(source: DatabaseKey?, to target: DatabaseIdentity, logger: Logger) {
        if let source, source.name != stored.database {
            logger.info(
                "the source's database was renamed",
                metadata: ["from": "\(stored.database)", "to": "\(source.name)"])
        }
        if isOf(target), target.database != targetDatabase.name {
            logger.info(
                "the target's database was renamed",
                metadata: ["from": "\(targetDatabase.name)", "to": "\(target.database)"])
        }
    }

    /// Takes a target for the one that the position was stored in: after pg_upgrade it is another
    /// system. That the old one has not gone on, the slot tells: it would be confirmed beyond this
    /// position.
    ///
    /// - Throws: ``Halt`` if the tables are not the very ones.
    func accept(_ target: DatabaseIdentity, of stream: StreamName, on session: Session) throws {
        guard !isOf(target) else { return }
        let others = try TableStore(session: session, stream: stream).othersThanStored()
        guard others.isEmpty else {
            throw Halt(
                .positionMismatch,
                """
                This target cannot be accepted: \(others.joined(separator: ", ")) is not the \
                table that the stream has filled.
                """,
                advice: """
                    pg_upgrade and physical copies keep the OIDs of tables, a dump does not. Remove \
                    the stream here with leat cleanup --target-only, and start anew.
                    """)
        }
    }
}

extension Progress {
    fileprivate init(_ row: Record) throws {
        stored = StartFacts.Stored(
            isCreating: try row.text("state") == "creating", endLSN: try row.lsn("end_lsn"),
            systemIdentifier: try row.text("source_system_identifier"),
            database: try row.text("source_database"), timeline: try row.id("source_timeline"),
            slot: try row.text("slot"),
            last: try row.optionalValue(
                of: "last_transaction", as: "a transaction", by: LastTransaction.init),
            databaseOID: try row.optionalID("source_database_oid"))
        stored.slotBeginning = try row.optionalValue(of: "slot_lsn", as: "an LSN", by: LSN.init)
        publications = try row.strings("publication_oids").map(PublicationIdentity.init)
        ownsSlot = try row.bool("owns_slot")
        ownsPublication = try row.bool("owns_publication")
        targetSystemIdentifier = try row.text("target_system_identifier")
        targetDatabase = DatabaseKey(
            name: try row.text("target_database"), oid: try row.optionalID("target_database_oid"))
        ctid = try row.text("ctid")
        spool = try row.optionalValue(of: "spool", as: "a spool", by: SpoolMark.init)
    }
}
