internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient

/// What is said at every start, because nobody should find it out by rows that differ, or by a
/// stream that does not keep up.
extension TargetPreparation {
    /// Changes that the publications leave out are none of the stream's.
    func tellUnsent(_ tables: [SourceTable]) {
        let partial = Dictionary(grouping: tables.filter { !$0.unsentKinds.isEmpty }) {
            $0.unsentKinds.joined(separator: ", ")
        }
        for (kinds, tables) in partial.sorted(by: { $0.key < $1.key }) {
            warn("the publications do not send \(kinds) of these tables", of: tables)
        }
    }

    /// An update or delete without a unique index on the target looks at every row.
    func tellScans(of tables: [SourceTable], by plans: [TableName: RelationPlan]) {
        let scanned = tables.filter { plans[$0.name].map($0.scans) == true }
        guard !scanned.isEmpty else { return }
        warn(
            "updates and deletes of these tables search all of their rows on the target, "
                + "which has no valid, immediate, whole unique index on their identity", of: scanned
        )
    }

    /// The same value is another moment in another zone.
    func tellZones(of ways: Preflight.Ways) async throws {
        let columns = ways.plans.values.flatMap {
            ZonedColumns(sourceTypes: ways.sourceTypes, targetTypes: ways.targetTypes).names($0)
        }.sorted()
        guard !columns.isEmpty else { return }
        let zone = try await applier.run {
            try $0.query("select pg_catalog.current_setting('timezone')").text()
        }
        logger.warning(
            """
            values without a time zone go into columns with one, and are read in zone \(zone); \
            --assume-zone names another
            """, metadata: ["columns": "\(columns.joined(separator: ", "))"])
    }

    private func warn(_ message: String, of tables: [SourceTable]) {
        let names = NameList.text(tables.map { "\($0.name)" }, all: "leat status")
        logger.warning("\(message)", metadata: ["tables": "\(names)"])
    }
}
