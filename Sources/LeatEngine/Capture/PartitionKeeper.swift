internal import LeatArchive
internal import LeatCore
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

/// In `leat.partitions`, by a session of its own for a moment: the applier's may be within a
/// transaction that is rolled back.
struct TargetPartitions: PartitionKeeper {
    let target: Conninfo
    let stream: StreamName
    /// Whether the stream goes on without the target.
    let mayBeAway: Bool

    func read() async throws -> PartitionBook? {
        let stream = stream
        return try await onTarget { try PartitionStore(session: $0, stream: stream).read() }
    }

    func keep(
        _ changed: [PartitionBook.Entry], of book: PartitionBook
    ) async throws -> Bool {
        let stream = stream
        let kept: Void? = try await onTarget { session in
            try PartitionStore(session: session, stream: stream).keep(changed)
        }
        return kept != nil
    }

    private func onTarget<Value: Sendable>(
        _ body: @Sendable (Session) throws -> Value
    ) async throws -> Value? {
        do {
            return try await Connection.open(target, peer: .target, stream: stream).runOnce(body)
        } catch let error as ConnectionError where mayBeAway {
            guard case .retry = Failure(error, wasConnected: true) else { throw error }
            return nil
        }
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
        try PartitionsFile(book).write(folder, lock)
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
