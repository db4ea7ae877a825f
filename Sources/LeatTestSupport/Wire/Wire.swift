package import PGWire

/// Messages in short: a commit record at `lsn` ends at `lsn + 8`.
package enum Wire {
    package static let a = RelationID(rawValue: 1)
    package static let b = RelationID(rawValue: 2)

    package static func end(of commit: LSN) -> LSN { LSN(rawValue: commit.rawValue + 8) }

    package static func begin(_ xid: UInt32, commit: LSN) -> [UInt8] {
        WireEncoder.encode(
            .begin(BeginMessage(finalLSN: commit, commitTime: time, xid: .init(rawValue: xid))))
    }

    /// - Parameters:
    ///   - end: Nil: where a commit record at `commit` ends.
    ///   - time: Nil: that of ``begin(_:commit:)``.
    package static func commit(_ commit: LSN, end: LSN? = nil, time: Int64? = nil) -> [UInt8] {
        WireEncoder.encode(
            .commit(
                CommitMessage(
                    commitLSN: commit, endLSN: end ?? self.end(of: commit),
                    commitTime: time.map { PostgresTimestamp(rawValue: $0) } ?? self.time)))
    }

    package static func origin(_ name: String) -> [UInt8] {
        WireEncoder.encode(.origin(OriginMessage(lsn: 1, name: name)))
    }

    /// Columns `id` and as many more as it takes.
    package static func relation(
        _ id: RelationID, named name: String, columns: Int = 2, xid: UInt32? = nil
    ) -> [UInt8] {
        let relation = Relation(
            id: id, schema: "public", name: name, replicaIdentity: .default,
            columns: (0..<columns).map {
                RelationColumn(isKey: $0 == 0, name: $0 == 0 ? "id" : "v\($0)", typeOID: 25)
            })
        return WireEncoder.encode(
            .relation(RelationMessage(xid: xid.map(TransactionID.init), relation: relation)))
    }

    package static func insert(
        _ id: RelationID, _ values: WireValue..., xid: UInt32? = nil
    ) -> [UInt8] {
        WireEncoder.insert(into: id, values, xid: xid.map(TransactionID.init))
    }

    package static func truncate(
        _ ids: [RelationID], cascade: Bool = false, restart: Bool = false, xid: UInt32? = nil
    ) -> [UInt8] {
        WireEncoder.encode(
            .truncate(
                TruncateMessage(
                    xid: xid.map(TransactionID.init), relationIDs: ids, cascade: cascade,
                    restartIdentity: restart)))
    }

    package static func streamStart(_ xid: UInt32, first: Bool = true) -> [UInt8] {
        WireEncoder.encode(
            .streamStart(StreamStartMessage(xid: .init(rawValue: xid), isFirstSegment: first)))
    }

    package static let streamStop = WireEncoder.encode(.streamStop)

    package static func streamCommit(_ xid: UInt32, commit: LSN, end: LSN? = nil) -> [UInt8] {
        WireEncoder.encode(
            .streamCommit(
                StreamCommitMessage(
                    xid: .init(rawValue: xid), commitLSN: commit,
                    endLSN: end ?? self.end(of: commit), commitTime: time)))
    }

    package static func streamAbort(_ xid: UInt32, sub: UInt32? = nil) -> [UInt8] {
        WireEncoder.encode(
            .streamAbort(
                StreamAbortMessage(
                    xid: .init(rawValue: xid), subxid: .init(rawValue: sub ?? xid))))
    }

    /// A block of a streamed transaction.
    package static func block(_ xid: UInt32, first: Bool = true, messages: [[UInt8]]) -> [[UInt8]] {
        [streamStart(xid, first: first)] + messages + [streamStop]
    }

    /// A whole transaction; relations `a` and `b` come before it.
    package static func transaction(_ xid: UInt32, commit: LSN, messages: [[UInt8]])
        -> [[UInt8]]
    {
        [begin(xid, commit: commit)] + messages + [self.commit(commit)]
    }

    package static let relations = [relation(a, named: "a"), relation(b, named: "b")]
    private static let time = PostgresTimestamp(rawValue: 5)
}
