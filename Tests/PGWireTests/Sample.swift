import LeatTestSupport
import PGWire
import Testing

/// One message as one protocol version sends it.
struct Sample: CustomTestStringConvertible {
    var name: String
    var decoder: MessageDecoder
    var streamed: Bool
    var bytes: [UInt8]
    /// What it decodes to, unless it is a row.
    var expected: ControlMessage?

    var testDescription: String {
        "\(name), version \(decoder.protocolVersion)"
            + (decoder.parallelStreaming ? " parallel" : "") + (streamed ? " streamed" : "")
    }

    /// Every message in every version that has it.
    static let all: [Sample] = (1...4).flatMap { version in
        let plain = MessageDecoder(protocolVersion: version)
        guard version >= 2 else { return samples(of: plain) }
        return samples(of: plain) + samples(of: plain, streamed: true)
            + samples(of: MessageDecoder(protocolVersion: version, parallelStreaming: true))
    }

    private static func samples(of decoder: MessageDecoder, streamed: Bool = false) -> [Sample] {
        let xid = streamed ? TransactionID(rawValue: 0xFFFF_FFFE) : nil
        var controls = changes(xid: xid)
        if streamed {
            controls.append(.streamStop)
        } else {
            controls += frames
            if decoder.protocolVersion >= 2 {
                controls += streams(
                    hasPosition: decoder.protocolVersion >= 4 && decoder.parallelStreaming)
            }
            if decoder.protocolVersion >= 3 { controls += twoPhase }
        }
        let samples = controls.map {
            Sample(
                name: "\($0.kind)", decoder: decoder, streamed: streamed,
                bytes: WireEncoder.encode($0), expected: $0)
        }
        return samples
            + rows(xid: xid).map {
                Sample(name: $0, decoder: decoder, streamed: streamed, bytes: $1)
            }
    }
}

// MARK: The messages

private let lsn: LSN = 0x16_B374_D848
private let end: LSN = 0x16_B374_D900
private let time = PostgresTimestamp(rawValue: 777_000_000_000_001)
private let top = TransactionID(rawValue: 741)
private let sub = TransactionID(rawValue: 742)
private let table = RelationID(rawValue: 16_384)

extension Sample {
    private static let frames: [ControlMessage] = [
        .begin(BeginMessage(finalLSN: lsn, commitTime: time, xid: top)),
        .commit(CommitMessage(commitLSN: lsn, endLSN: end, commitTime: time)),
        .origin(OriginMessage(lsn: lsn, name: "upstream – 上")),
    ]

    private static func changes(xid: TransactionID?) -> [ControlMessage] {
        let columns = [
            RelationColumn(isKey: true, name: "id", typeOID: 23),
            RelationColumn(isKey: false, name: "größe", typeOID: 1700, typeModifier: 655_366),
        ]
        let relations = ReplicaIdentity.allCases.map {
            Relation(id: table, schema: "shop", name: "item", replicaIdentity: $0, columns: columns)
        }
        let bare = Relation(
            id: RelationID(rawValue: .max), schema: "", name: "", replicaIdentity: .nothing,
            columns: [])
        let type = TypeDescription(oid: .max, schema: "shop", name: "mood")
        return (relations + [bare]).map { .relation(RelationMessage(xid: xid, relation: $0)) } + [
            .type(TypeMessage(xid: xid, type: type)),
            .truncate(TruncateMessage(xid: xid, relationIDs: [])),
            .truncate(
                TruncateMessage(xid: xid, relationIDs: [table], cascade: true)),
            .truncate(
                TruncateMessage(
                    xid: xid, relationIDs: [table, table], cascade: true, restartIdentity: true)),
            .message(
                LogicalDecodingMessage(
                    xid: xid, isTransactional: true, lsn: lsn, prefix: "leat", content: [0, 255])),
            .message(
                LogicalDecodingMessage(
                    xid: xid, isTransactional: false, lsn: lsn, prefix: "", content: [])),
        ]
    }

    private static func streams(hasPosition: Bool) -> [ControlMessage] {
        [
            .streamStart(StreamStartMessage(xid: top, isFirstSegment: true)),
            .streamStart(StreamStartMessage(xid: top, isFirstSegment: false)),
            .streamStop,
            .streamCommit(
                StreamCommitMessage(xid: top, commitLSN: lsn, endLSN: end, commitTime: time)),
            .streamAbort(
                StreamAbortMessage(
                    xid: top, subxid: sub, abortLSN: hasPosition ? lsn : nil,
                    abortTime: hasPosition ? time : nil)),
        ]
    }

    private static let twoPhase: [ControlMessage] = [
        .beginPrepare(
            BeginPrepareMessage(
                prepareLSN: lsn, endLSN: end, prepareTime: time, xid: top, gid: "gid")),
        .prepare(
            PrepareMessage(prepareLSN: lsn, endLSN: end, prepareTime: time, xid: top, gid: "gid")),
        .commitPrepared(
            CommitPreparedMessage(
                commitLSN: lsn, endLSN: end, commitTime: time, xid: top, gid: "gid")),
        .rollbackPrepared(
            RollbackPreparedMessage(
                prepareEndLSN: lsn, rollbackEndLSN: end, prepareTime: time,
                rollbackTime: PostgresTimestamp(rawValue: -1), xid: top, gid: "")),
        .streamPrepare(
            PrepareMessage(prepareLSN: lsn, endLSN: end, prepareTime: time, xid: top, gid: "gid")),
    ]

    private static func rows(xid: TransactionID?) -> [(String, [UInt8])] {
        let new: [WireValue] = ["1", .null, .unchangedTOAST, "", .binary([0, 1]), .binary([])]
        let key: [WireValue] = ["0", .null, .null, .null, .null, .null]
        return [
            ("insert", WireEncoder.insert(into: table, new, xid: xid)),
            ("empty insert", WireEncoder.insert(into: table, [], xid: xid)),
            ("update", WireEncoder.update(table, new: new, xid: xid)),
            ("update K", WireEncoder.update(table, old: .key(key), new: new, xid: xid)),
            ("update O", WireEncoder.update(table, old: .full(new), new: new, xid: xid)),
            ("delete K", WireEncoder.delete(table, old: .key(key), xid: xid)),
            ("delete O", WireEncoder.delete(table, old: .full(new), xid: xid)),
        ]
    }
}
