internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// Who reads from publications, as far as anybody knows: a slot does not say.
struct PublicationReaders {
    private var readers: [String: [PublicationReport.Reader]] = [:]
    /// Slots that may read any publication.
    private(set) var unknownSlots: [String] = []

    /// A row of `leat.progress` for this source.
    struct Stream: Sendable {
        var name: String
        var position: String
        var slot: String
        var publications: [String]
    }

    /// - Parameters:
    ///   - publications: All names.
    ///   - streams: As a target knows them; empty if none was given.
    init(_ session: Session, publications: [String], streams: [Stream]) throws {
        let rows = try session.query(
            """
            select s.slot_name, s.active_pid, nullif(a.application_name, '') as application, a.query
            from pg_catalog.pg_replication_slots s
            left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
            where s.plugin = 'pgoutput' and s.database = pg_catalog.current_database()
            order by 1
            """
        ).records
        for row in rows {
            let slot = try row.text("slot_name")
            guard !addStreams(streams, to: slot) else { continue }
            if let command = try row.optionalText("query").flatMap(StartReplicationCommand.init) {
                for publication in command.publications {
                    readers[publication, default: []].append(
                        .init(
                            slot: slot, knownBy: "walsender",
                            pid: try row.optionalInt("active_pid"),
                            application: try row.optionalText("application")))
                }
            } else if publications.contains(slot) {
                readers[slot, default: []].append(.init(slot: slot, knownBy: "name"))
            } else {
                unknownSlots.append(slot)
            }
        }
    }

    subscript(publication: String) -> [PublicationReport.Reader] { readers[publication] ?? [] }

    private mutating func addStreams(_ streams: [Stream], to slot: String) -> Bool {
        let own = streams.filter { $0.slot == slot }
        for stream in own {
            for publication in stream.publications {
                readers[publication, default: []].append(
                    .init(
                        slot: slot, knownBy: "stream", stream: stream.name,
                        position: stream.position))
            }
        }
        return !own.isEmpty
    }

    /// The streams of a target that follow this source.
    static func streams(_ target: Session, of source: DatabaseIdentity) throws -> [Stream] {
        guard try LeatSchema.isPresent("leat.progress", on: target) else { return [] }
        return try target.query(
            """
            select stream, end_lsn, slot, pg_catalog.array_to_json(publications) as publications
            from leat.progress
            where source_system_identifier = $1 and source_database = $2 order by 1
            """, with: [source.systemIdentifier, source.database]
        ).records.map { row in
            Stream(
                name: try row.text("stream"), position: "\(try row.lsn("end_lsn"))",
                slot: try row.text("slot"), publications: try row.strings("publications"))
        }
    }
}
