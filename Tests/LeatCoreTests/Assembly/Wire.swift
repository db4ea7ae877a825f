import LeatTestSupport
import PGWire

/// Messages in short: a commit record at `lsn` ends at `lsn + 8`.
enum Wire {
    static let a = RelationID(rawValue: 1)
    static let b = RelationID(rawValue: 2)

    static func end(of commit: LSN) -> LSN { LSN(rawValue: commit.rawValue + 8) }

    static func begin(_ xid: UInt32, _ commit: LSN) -> [UInt8] {
        WireEncoder.encode(
            .begin(BeginMessage(finalLSN: commit, commitTime: time, xid: .init(rawValue: xid))))
    }

    /// - Parameters:
    ///   - end: Nil: where a commit record at `commit` ends.
    ///   - time: Nil: that of ``begin(_:_:)``.
    static func commit(_ commit: LSN, end: LSN? = nil, time: Int64? = nil) -> [UInt8] {
        WireEncoder.encode(
            .commit(
                CommitMessage(
                    commitLSN: commit, endLSN: end ?? self.end(of: commit),
                    commitTime: time.map { PostgresTimestamp(rawValue: $0) } ?? self.time)))
    }

    static func origin(_ name: String) -> [UInt8] {
        WireEncoder.encode(.origin(OriginMessage(lsn: 1, name: name)))
    }

    /// Columns `id` and as many more as it takes.
    static func relation(
        _ id: RelationID, _ name: String, columns: Int = 2, xid: UInt32? = nil
    ) -> [UInt8] {
        let relation = Relation(
            id: id, schema: "public", name: name, replicaIdentity: .default,
            columns: (0..<columns).map {
                RelationColumn(isKey: $0 == 0, name: $0 == 0 ? "id" : "v\($0)", typeOID: 25)
            })
        return WireEncoder.encode(
            .relation(RelationMessage(xid: xid.map(TransactionID.init), relation: relation)))
    }

    static func insert(
        _ id: RelationID, _ values: WireValue..., xid: UInt32? = nil
    ) -> [UInt8] {
        WireEncoder.insert(id, values, xid: xid.map(TransactionID.init))
    }

    static func truncate(
        _ ids: [RelationID], cascade: Bool = false, restart: Bool = false, xid: UInt32? = nil
    ) -> [UInt8] {
        WireEncoder.encode(
            .truncate(
                TruncateMessage(
                    xid: xid.map(TransactionID.init), relationIDs: ids, cascade: cascade,
                    restartIdentity: restart)))
    }

    static func streamStart(_ xid: UInt32, first: Bool = true) -> [UInt8] {
        WireEncoder.encode(
            .streamStart(StreamStartMessage(xid: .init(rawValue: xid), isFirstSegment: first)))
    }

    static let streamStop = WireEncoder.encode(.streamStop)

    static func streamCommit(_ xid: UInt32, _ commit: LSN, end: LSN? = nil) -> [UInt8] {
        WireEncoder.encode(
            .streamCommit(
                StreamCommitMessage(
                    xid: .init(rawValue: xid), commitLSN: commit,
                    endLSN: end ?? self.end(of: commit), commitTime: time)))
    }

    static func streamAbort(_ xid: UInt32, sub: UInt32? = nil) -> [UInt8] {
        WireEncoder.encode(
            .streamAbort(
                StreamAbortMessage(
                    xid: .init(rawValue: xid), subxid: .init(rawValue: sub ?? xid))))
    }

    /// A block of a streamed transaction.
    static func block(_ xid: UInt32, first: Bool = true, _ messages: [[UInt8]]) -> [[UInt8]] {
        [streamStart(xid, first: first)] + messages + [streamStop]
    }

    /// A whole transaction; relations `a` and `b` come before it.
    static func transaction(_ xid: UInt32, _ commit: LSN, _ messages: [[UInt8]]) -> [[UInt8]] {
        [begin(xid, commit)] + messages + [self.commit(commit)]
    }

    static let relations = [relation(a, "a"), relation(b, "b")]
    private static let time = PostgresTimestamp(rawValue: 5)
}
