internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

extension RecordPreparation {
    /// Makes a base.
    ///
    /// - Parameter slot: The snapshot of the slot that was just made, and its point; nil: of a
    ///   temporary one.
    func base(
        of tables: [SourceTable], describing description: ArchiveDescription,
        at slot: (snapshot: String, point: LSN)?
    ) async throws {
        var given = slot
        let name = configuration.stream.objectName + "_base"
        while true {
            let isTemporary = given == nil
            let (snapshot, point): (String, LSN)
            if let first = given {
                (snapshot, point) = first
            } else {
                (snapshot, point) = try await temporary(name)
            }
            given = nil
            do {
                try await BaseCopy(
                    configuration: configuration, folder: folder, lock: run.lock,
                    encoding: servers.encoding, status: run.status, logger: logger
                ).run(tables, describing: description, snapshot: snapshot, point: point)
                if isTemporary { try await slots.dropTemporary(name) }
                run.attempts.isBaseMade.store(true, ordering: .relaxed)
                return
            } catch let altered as SnapshotHolder.Altered {
                logger.warning(
                    "a table was altered before its rows were read; taking another snapshot",
                    metadata: ["table": "\(altered.table)"])
                try folder.removeUnfinishedBases(run.lock)
                if isTemporary { try await slots.dropTemporary(name) }
            }
        }
    }

    private func temporary(_ name: String) async throws -> (String, LSN) {
        let slot = try await slots.makeTemporary(name)
        return (slot.snapshotName, slot.consistentPoint)
    }
}
