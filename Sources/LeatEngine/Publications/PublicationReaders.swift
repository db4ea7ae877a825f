internal import Foundation
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
            select s.slot_name, s.active_pid, a.application_name, a.query
            from pg_catalog.pg_replication_slots s
            left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
            where s.plugin = 'pgoutput' and s.database = pg_catalog.current_database()
            order by 1
            """
        ).rows
        for row in rows {
            let slot = row[0] ?? ""
            guard !addStreams(streams, slot) else { continue }
            if let command = row[3].flatMap(StartReplicationCommand.init) {
                for publication in command.publications {
                    readers[publication, default: []].append(
                        .init(
                            slot: slot, knownBy: "walsender", pid: row[1].flatMap { Int($0) },
                            application: row[2].flatMap { $0.isEmpty ? nil : $0 }))
                }
            } else if publications.contains(slot) {
                readers[slot, default: []].append(.init(slot: slot, knownBy: "name"))
            } else {
                unknownSlots.append(slot)
            }
        }
    }

    subscript(publication: String) -> [PublicationReport.Reader] { readers[publication] ?? [] }

    private mutating func addStreams(_ streams: [Stream], _ slot: String) -> Bool {
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
    static func streams(_ target: Session, of source: TargetIdentity) throws -> [Stream] {
        guard try TargetSchema.isPresent("leat.progress", target) else { return [] }
        return try target.query(
            """
            select stream, end_lsn, slot, pg_catalog.array_to_json(publications)
            from leat.progress
            where source_system_identifier = $1 and source_database = $2 order by 1
            """, [source.systemIdentifier, source.database]
        ).rows.map { row in
            Stream(
                name: row[0] ?? "", position: row[1] ?? "", slot: row[2] ?? "",
                publications: JSONText.strings(row[3] ?? "[]"))
        }
    }
}
