import PGWire

/// What of a stream of messages commits, counted by kind: just enough of an
/// assembler to tell whether messages stand in an order that makes sense.
struct CommittedChanges {
    enum Disorder: Error, Equatable {
        case unexpected(MessageKind)
        case mismatch(MessageKind)
        case unfinished
    }

    private struct Pending {
        var xid: TransactionID?
        var kind: Change.Kind
    }

    private(set) var counts: [Change.Kind: Int] = [:]
    private(set) var transactions = 0
    private(set) var aborts = 0
    private var open: BeginMessage?
    private var preparing: BeginPrepareMessage?
    private var block: TransactionID?
    private var current: [Pending] = []
    private var streamed: [TransactionID: [Pending]] = [:]
    private var prepared: [String: [Pending]] = [:]

    mutating func received(_ message: Decoded) throws {
        switch message {
        case .row(let row): try changed(row.kind, xid: row.xid)
        case .control(.truncate(let message)): try changed(.truncate, xid: message.xid)
        case .control(.message(let message)):
            if message.isTransactional {
                try changed(.message, xid: message.xid)
            } else {
                counts[.message, default: 0] += 1
            }
        case .control(let message): try framed(message)
        }
    }

    func finish() throws {
        guard !isInside, streamed.isEmpty, prepared.isEmpty else { throw Disorder.unfinished }
    }

    private var isInside: Bool { open != nil || preparing != nil || block != nil }

    private mutating func changed(_ kind: Change.Kind, xid: TransactionID?) throws {
        guard isInside, (xid != nil) == (block != nil) else { throw Disorder.unfinished }
        if let block {
            streamed[block, default: []].append(Pending(xid: xid, kind: kind))
        } else {
            current.append(Pending(xid: nil, kind: kind))
        }
    }

    private mutating func framed(_ message: ControlMessage) throws {
        switch message {
        case .origin, .relation, .type:
            guard isInside else { throw Disorder.unexpected(message.kind) }
        case .begin(let begin):
            guard !isInside else { throw Disorder.unexpected(.begin) }
            open = begin
        case .commit(let commit):
            guard let begin = open, begin.finalLSN == commit.commitLSN,
                begin.commitTime == commit.commitTime, commit.commitLSN < commit.endLSN
            else { throw Disorder.mismatch(.commit) }
            open = nil
            commitChanges(take())
        case .streamStart, .streamStop, .streamCommit, .streamAbort:
            try streamed(message)
        case .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            try twoPhase(message)
        case .truncate, .message: throw Disorder.unexpected(message.kind)
        }
    }

    private mutating func streamed(_ message: ControlMessage) throws {
        switch message {
        case .streamStart(let start):
            guard !isInside, start.isFirstSegment == (streamed[start.xid] == nil) else {
                throw Disorder.mismatch(.streamStart)
            }
            block = start.xid
            streamed[start.xid, default: []] += []
        case .streamStop:
            guard block != nil else { throw Disorder.unexpected(.streamStop) }
            block = nil
        case .streamCommit(let commit):
            guard !isInside, let changes = streamed.removeValue(forKey: commit.xid) else {
                throw Disorder.mismatch(.streamCommit)
            }
            commitChanges(changes)
        case .streamAbort(let abort):
            guard !isInside, streamed[abort.xid] != nil else {
                throw Disorder.mismatch(.streamAbort)
            }
            aborts += 1
            if abort.subxid == abort.xid {
                streamed[abort.xid] = nil
            } else {
                streamed[abort.xid]?.removeAll { $0.xid == abort.subxid }
            }
        default: throw Disorder.unexpected(message.kind)
        }
    }

    private mutating func twoPhase(_ message: ControlMessage) throws {
        guard block == nil, open == nil else { throw Disorder.unexpected(message.kind) }
        switch message {
        case .beginPrepare(let begin): preparing = begin
        case .prepare(let prepare):
            guard let begin = preparing, begin.gid == prepare.gid,
                begin.prepareLSN == prepare.prepareLSN, begin.endLSN == prepare.endLSN
            else { throw Disorder.mismatch(.prepare) }
            preparing = nil
            prepared[prepare.gid] = take()
        case .streamPrepare(let prepare):
            prepared[prepare.gid] = streamed.removeValue(forKey: prepare.xid)
        case .commitPrepared(let commit):
            guard let changes = prepared.removeValue(forKey: commit.gid) else {
                throw Disorder.mismatch(.commitPrepared)
            }
            commitChanges(changes)
        case .rollbackPrepared(let rollback):
            guard prepared.removeValue(forKey: rollback.gid) != nil else {
                throw Disorder.mismatch(.rollbackPrepared)
            }
        default: throw Disorder.unexpected(message.kind)
        }
    }

    private mutating func take() -> [Pending] {
        defer { current = [] }
        return current
    }

    private mutating func commitChanges(_ changes: [Pending]) {
        transactions += 1
        for change in changes { counts[change.kind, default: 0] += 1 }
    }
}
