internal import CLibpq
internal import Glibc
public import PGWire

/// What a walsender says of its server: `IDENTIFY_SYSTEM`.
public struct SystemIdentity: Sendable, Equatable {
    /// Of the cluster: the same on its standbys.
    public var systemIdentifier: String
    /// It grows with every promotion.
    public var timeline: UInt32
    /// The end of the server's WAL.
    public var walEnd: LSN
    /// The database that the connection is to.
    public var database: String
}

/// A slot that was just made: `CREATE_REPLICATION_SLOT`.
public struct CreatedSlot: Sendable, Equatable {
    /// The snapshot shows exactly the transactions that committed before it.
    public var consistentPoint: LSN
    /// Valid until the next command on the same connection.
    public var snapshotName: String
}

extension Session {
    /// IDENTIFY_SYSTEM, on a replication connection.
    public func identifySystem() throws(ConnectionError) -> SystemIdentity {
        let row = try execute("IDENTIFY_SYSTEM").onlyRecord()
        return SystemIdentity(
            systemIdentifier: try row.text("systemid"), timeline: try row.id("timeline"),
            walEnd: try row.lsn("xlogpos"), database: try row.text("dbname"))
    }

    /// Creates a logical slot for pgoutput and exports its snapshot.
    ///
    /// Waits until every transaction that was running at its start has ended.
    ///
    /// - Parameters:
    ///   - name: Characters of a slot name only; it is not quoted.
    ///   - isTemporary: It ends with the session.
    public func createSlot(
        _ name: String, isTemporary: Bool
    ) throws(ConnectionError) -> CreatedSlot {
        letServerLookAfterClient()
        let temporary = isTemporary ? "TEMPORARY " : ""
        // The syntax of 14, which newer servers also take.
        let row = try execute(
            "CREATE_REPLICATION_SLOT \"\(name)\" \(temporary)LOGICAL pgoutput EXPORT_SNAPSHOT"
        ).onlyRecord()
        return CreatedSlot(
            consistentPoint: try row.lsn("consistent_point"),
            snapshotName: try row.text("snapshot_name"))
    }

    /// The content of a timeline's history file: `TIMELINE_HISTORY`.
    public func timelineHistory(_ timeline: UInt32) throws(ConnectionError) -> String {
        try execute("TIMELINE_HISTORY \(timeline)").onlyRecord().text("content")
    }

    /// Starts the stream: `START_REPLICATION SLOT ... LOGICAL`.
    ///
    /// The server sends transactions that end after `start`, or after the slot's confirmed
    /// flush position where that is later: a gap is skipped without a word, so the caller has
    /// compared the two.
    public func startReplication(
        slot: String, from start: LSN, options: [(name: String, value: String)]
    ) throws(ConnectionError) {
        letServerLookAfterClient()
        let list = options.map { "\"\($0.name)\" '\(Session.doubled($0.value))'" }
        try beginCopy(
            "START_REPLICATION SLOT \"\(slot)\" LOGICAL \(start) (\(list.joined(separator: ", ")))",
            expecting: PGRES_COPY_BOTH)
    }

    /// The walsender of a client that was killed ends soon, whatever it does: one that waits for
    /// transactions before it makes a slot, or decodes what it does not send, would otherwise hold
    /// the slot for hours.
    ///
    /// The look is timed by an SQL statement; a replication command that comes at once inherits the
    /// clock, and keeps it going. Servers that cannot look (not on Linux) go on as they are.
    private func letServerLookAfterClient() {
        _ = try? execute("set client_connection_check_interval = '1s'")
        _ = try? execute("select")
    }

    /// By scalars: a quote before a combining mark is another `Character`.
    private static func doubled(_ text: String) -> String {
        var doubled = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "'" { doubled.append(scalar) }
            doubled.append(scalar)
        }
        return String(doubled)
    }

    /// Sends one standby status update, and waits until it has left.
    public func sendStatus(_ update: StandbyStatusUpdate) throws(ConnectionError) {
        let attempted = "send a status update"
        let bytes = update.encode()
        let sent = bytes.withUnsafeBytes { raw in
            PQputCopyData(
                connection, raw.assumingMemoryBound(to: CChar.self).baseAddress, Int32(raw.count))
        }
        guard sent == 1 else { throw lost(attempted) }
        // Not `flush`: taking in stream data here would grow libpq's buffer without a bound.
        while true {
            let left = PQflush(connection)
            if left == 0 { return }
            if left < 0 { throw lost(attempted) }
            _ = try wait(reading: false, writing: true, attempting: attempted)
        }
    }
}
