internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient

/// Where a stream keeps what it knows of partitions: with the data that it speaks of, so that
/// neither a restart nor the partition's further life makes it be forgotten.
protocol PartitionKeeper: Sendable {
    /// Nil: it cannot be reached now.
    func read() async throws -> PartitionBook?

    /// - Parameter book: All, with what has changed.
    /// - Returns: False if it cannot be reached now.
    func keep(_ changed: [PartitionBook.Entry], of book: PartitionBook) async throws -> Bool

    /// A change and what to do about it, for a message.
    func explanation(of change: PartitionBook.Change) -> String
}

/// A session of the target for a moment, beside the applier's, which may be within a transaction
/// that is rolled back.
struct OwnTargetSession: Sendable {
    let target: Conninfo
    let stream: StreamName
    /// Whether the stream goes on without the target.
    let mayBeAway: Bool

    /// - Returns: Nil if the target cannot be reached now, and need not.
    func run<Value: Sendable>(
        _ body: @Sendable (Session) throws -> Value
    ) async throws -> Value? {
        do {
            return try await Connection.open(target, peer: .target, stream: stream).runOnce(body)
        } catch let error as ConnectionError where mayBeAway {
            guard case .retry = Failure(ofJob: error, wasConnected: true) else { throw error }
            return nil
        }
    }
}

/// In `leat.partitions`.
struct TargetPartitions: PartitionKeeper {
    let target: OwnTargetSession
    let stream: StreamName

    func read() async throws -> PartitionBook? {
        let stream = stream
        return try await target.run { try PartitionStore(session: $0, stream: stream).read() }
    }

    func keep(
        _ changed: [PartitionBook.Entry], of book: PartitionBook
    ) async throws -> Bool {
        let stream = stream
        let kept: Void? = try await target.run { session in
            try PartitionStore(session: session, stream: stream).keep(changed)
        }
        return kept != nil
    }

    func explanation(of change: PartitionBook.Change) -> String {
        let what =
            switch change {
            case .attached: "was attached with its rows, which are not sent"
            case .detached: "was detached; its rows are still on the target"
            case .dropped: "was dropped; its rows are still on the target"
            }
        return """
            a partition \(what): do the same there, or copy the table anew; noted until it is \
            copied
            """
    }
}

/// In a file of the archive.
struct ArchivedPartitions: PartitionKeeper {
    let folder: ArchiveFolder
    let lock: WriterLock

    func read() async throws -> PartitionBook? {
        try PartitionsFile.read(folder)?.book ?? PartitionBook()
    }

    func keep(
        _ changed: [PartitionBook.Entry], of book: PartitionBook
    ) async throws -> Bool {
        try PartitionsFile(book).write(in: folder, under: lock)
        return true
    }

    func explanation(of change: PartitionBook.Change) -> String {
        let what =
            switch change {
            case .attached: "was attached with its rows, which are not sent and not recorded"
            case .detached: "was detached; what is replayed keeps its rows"
            case .dropped: "was dropped; what is replayed keeps its rows"
            }
        return "a partition \(what): record a new base (--new-base); noted until then"
    }
}
