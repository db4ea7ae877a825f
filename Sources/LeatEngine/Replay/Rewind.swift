internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import Synchronization

/// Takes back what a stream has brought, so that it can begin anew.
///
/// The order, and what a crash after each step leaves:
///
/// 1. The stream's row says `creating`: its position counts for nothing from here on. The rows
///    are still there; the next start refuses to copy over them, unless it rewinds or truncates.
/// 2. The tables are emptied. The same, with some of them empty.
/// 3. The stream's rows in schema `leat` go: nothing of it is left, and the start is one of a new
///    stream.
final class Rewind: Sendable {
    private let isWanted: Mutex<Bool>

    init(_ isWanted: Bool) {
        self.isWanted = Mutex(isWanted)
    }

    /// - Returns: Whether it is still to come.
    /// - Throws: ``Halt`` (exit code 2) for what is no replay.
    func mayBegin(by applier: Applier, of stream: StreamName) async throws -> Bool {
        guard isWanted.withLock({ $0 }) else { return false }
        try await applier.run { try self.checkIsReplay(on: $0, of: stream) }
        return true
    }

    /// Once in a job, whatever becomes of its runs.
    func run(by applier: Applier, on onTarget: TargetPreparation) async throws {
        guard isWanted.withLock({ $0 }) else { return }
        let stream = onTarget.stream
        let names = try await applier.run { session in
            try TableStore(session: session, stream: stream).read().map(\.target)
        }
        // Before anything is changed: emptying must not reach what the stream has not brought.
        _ = try await onTarget.checkRole(names)
        let tables = try await applier.run { session -> [TargetTable]? in
            try checkIsReplay(on: session, of: stream)
            let isThere =
                try session.query(
                    "update leat.progress set state = 'creating' where stream = $1",
                    with: [stream.text]
                ).affectedRows == 1
            guard isThere else { return nil }
            FailPoint.rewindBegun.reached()
            return try TargetTables.resolve(names, on: session).values.compactMap { try? $0.get() }
        }
        if let tables {
            try await onTarget.empty(tables)
            FailPoint.rewindEmptied.reached()
            try await applier.run { session in
                try session.transaction {
                    try ProgressStore(session: session, stream: stream).delete()
                }
            }
            onTarget.logger.info("rewound", metadata: ["tables": "\(tables.count)"])
        }
        isWanted.withLock { $0 = false }
    }

    /// What a slot has brought is in no archive.
    private func checkIsReplay(on session: Session, of stream: StreamName) throws {
        let slot = try session.query(
            "select slot from leat.progress where stream = $1", with: [stream.text]
        ).firstRecord?.text("slot")
        guard let slot, !StreamInput(stored: slot).isArchive else { return }
        throw Halt(
            .configuration, "Stream \(stream) reads slot \(slot); --rewind is for replays.",
            advice: "Choose another --stream.")
    }
}
