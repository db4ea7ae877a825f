import Foundation
import LeatTestSupport
import PGClient
import PGWire
import Testing

/// A stream of one table, read by hand.
private struct Source {
    let cluster: TemporaryCluster
    let database: String
    let slot: String

    /// With a transaction of so many rows in the slot.
    init(
        rows: Int, width: Int = 100, version: PostgresVersion = .v15,
        on own: TemporaryCluster? = nil
    ) async throws {
        cluster =
            if let own { own } else { try await ClusterPool.shared.cluster(version, as: .source) }
        database = try await cluster.createDatabase()
        slot = database
        try await cluster.sql(
            "create table t (i int primary key, v text); create publication p for table t",
            database: database)
        try await cluster.sql(
            "select pg_create_logical_replication_slot('\(slot)', 'pgoutput')", database: database)
        try await cluster.sql(
            "insert into t select i, repeat('x', \(width)) from generate_series(1, \(rows)) i",
            database: database)
    }

    func connection(_ conninfo: String? = nil) async throws -> Connection {
        let connection = Connection(label: "test")
        try await connection.open(
            try Conninfo(conninfo ?? cluster.conninfo(database: database)),
            options: .init(peer: .source, applicationName: "test", isReplication: true))
        return connection
    }

    func start(_ session: Session) throws {
        try session.startReplication(
            slot: slot, from: .zero,
            options: [("proto_version", "1"), ("publication_names", "p")])
    }

    func drop() async throws {
        try await cluster.waitUntil(
            sql: "select not active from pg_replication_slots where slot_name = '\(slot)'",
            timeout: .patience)
        try await cluster.sql("select pg_drop_replication_slot('\(slot)')", database: database)
    }
}

/// The kinds of the messages in the payloads, in order, until there are as many as asked for.
private func kinds(_ count: Int, of session: Session, each: Int = .max) throws -> String {
    var kinds = ""
    let deadline = ContinuousClock.now + .patience
    while kinds.utf8.count < count {
        var lent = 0
        let taken = try session.takePayloads { payload in
            if case .xLogData = try ReplicationPayload(decoding: payload) {
                let body = XLogData.body(of: payload)
                let kind = try MessageDecoder(protocolVersion: 1).kind(of: body)
                kinds.unicodeScalars.append(Unicode.Scalar(kind.rawValue))
            }
            lent += 1
            return lent < each && kinds.utf8.count < count
        }
        if taken == .all {
            try #require(try session.waitForStream(until: deadline) == .readable)
            try session.readStream()
        }
    }
    return kinds
}

@Suite("Streams")
struct StreamTests {
    @Test("payloads come in order, however many are taken at a time", arguments: [1, 7, .max])
    func order(each: Int) async throws {
        let source = try await Source(rows: 500)
        let connection = try await source.connection()

        let found = try await connection.run { session in
            try source.start(session)
            return try kinds(503, of: session, each: each)
        }

        #expect(found == "BR" + String(repeating: "I", count: 500) + "C")
        await connection.close()
        try await source.drop()
    }

    @Test("a grown buffer takes in one read more than the one that libpq begins with")
    func growth() async throws {
        var lent: [Int] = []
        // Of its own: the WAL of other tests would have to be decoded first, and nobody answers.
        let cluster = try await TemporaryCluster.started(.v15)
        for grows in [false, true] {
            // Wide, and through a Unix socket: nobody reads meanwhile, and what TCP then takes in
            // depends on the load.
            let source = try await Source(rows: 1000, width: 700, on: cluster)
            let connection = try await source.connection(
                cluster.socketConninfo(database: source.database))

            lent.append(
                try await connection.run { session in
                    if grows { try session.growInputBuffer(for: 1 << 20) }
                    try source.start(session)
                    let deadline = ContinuousClock.now + .patience
                    while session.bytesWaiting < 48 << 10 {
                        try #require(
                            ContinuousClock.now < deadline,
                            "\(session.bytesWaiting) bytes wait, grown: \(grows)")
                        try session.nap(for: .milliseconds(1))
                    }
                    try session.readStream()
                    var bytes = 0
                    #expect(
                        try session.takePayloads {
                            bytes += $0.byteCount
                            return true
                        } == .all)
                    return bytes
                })

            await connection.close()
            try await source.drop()
        }

        try await cluster.remove()
        #expect(lent[0] < 40 << 10 && lent[1] > 44 << 10, "\(lent)")
    }

    @Test("rows that gather in the server's socket come in few and large reads")
    func gathering() async throws {
        let source = try await Source(rows: 5000)
        let connection = try await source.connection()

        try await connection.run { session in
            session.gatherAtSender()
            try session.growInputBuffer(for: 1 << 20)
            try source.start(session)
            var (most, naps, messages) = (0, 0, 0)
            var isAll = true
            let deadline = ContinuousClock.now + .seconds(60)
            while messages < 5003 {
                if try session.waitForStream(until: deadline) == .deadline { break }
                if isAll {
                    try session.nap(for: .milliseconds(100))
                    naps += 1
                }
                most = max(most, session.bytesWaiting)
                isAll = try session.readLargely().isAll
                _ = try session.takePayloads { payload in
                    if case .xLogData = try ReplicationPayload(decoding: payload) { messages += 1 }
                    return true
                }
            }
            #expect(messages == 5003)
            #expect(naps <= 10 && most <= 256 << 10, "\(naps), \(most)")
        }

        await connection.close()
        try await source.drop()
    }

    @Test(
        "what the server warns of is told before what it sent after it, and nothing is lost by it")
    func notices() async throws {
        let source = try await Source(rows: 1, version: .v18)
        for sql in [
            "alter publication p rename to q", "insert into t values (10, 'skipped')",
            "alter publication q rename to p", "insert into t values (11, 'sent')",
        ] {
            try await source.cluster.sql(sql, database: source.database)
        }
        let connection = try await source.connection()

        let (before, warnings, after) = try await connection.run { session in
            try source.start(session)
            _ = session.takeWarnings()
            var found = ""
            let take = {
                try session.takePayloads(stopsAtNotices: true) { payload in
                    guard case .xLogData = try ReplicationPayload(decoding: payload) else {
                        return true
                    }
                    let kind = try MessageDecoder(protocolVersion: 1)
                        .kind(of: XLogData.body(of: payload))
                    found.unicodeScalars.append(Unicode.Scalar(kind.rawValue))
                    return true
                }
            }
            let deadline = ContinuousClock.now + .patience
            while try take() != .noticed {
                try #require(try session.waitForStream(until: deadline) == .readable)
                try session.readStream()
            }
            let (before, warnings) = (found, session.takeWarnings())
            while !found.dropFirst(before.count).hasSuffix("C") {
                guard try take() == .all else { continue }
                try #require(try session.waitForStream(until: deadline) == .readable)
                try session.readStream()
            }
            return (before, warnings, String(found.dropFirst(before.count)))
        }

        #expect(before == "BRIC")
        #expect(warnings.map(\.function) == ["LoadPublications"])
        #expect(after == "BRIC" || after == "BIC")
        await connection.close()
        try await source.drop()
    }

    @Test("waiting and napping end with a wake, or at their deadline")
    func waking() async throws {
        let source = try await Source(rows: 0)
        let connection = try await source.connection()
        let start = ContinuousClock.now

        let events = try await connection.run { session in
            try source.start(session)
            connection.interrupt.wake()
            try session.nap(for: .seconds(600))
            connection.interrupt.wake()
            // A keepalive may be there first.
            var events: [Session.StreamEvent] = []
            while events.last != .woken {
                events.append(try session.waitForStream(until: .now + .seconds(600)))
                try session.readStream()
                _ = try session.takePayloads { _ in true }
            }
            while events.last != .deadline {
                events.append(try session.waitForStream(until: .now + .milliseconds(50)))
                try session.readStream()
                _ = try session.takePayloads { _ in true }
            }
            return events
        }

        #expect(events.filter { $0 != .readable } == [.woken, .deadline])
        #expect(ContinuousClock.now - start < .seconds(300))
        await connection.close()
        try await source.drop()
    }

    @Test("rows that nobody reads come together over TCP, but not in a Unix socket")
    func kindsOfSockets() async throws {
        let source = try await Source(rows: 0)
        let network = try await source.connection()
        let local = try await source.connection(
            source.cluster.socketConninfo(database: source.database))

        #expect(try await network.run { $0.gathering } == .withinHost)
        #expect(try await local.run { $0.gathering } == .none)

        await network.close()
        await local.close()
        try await source.drop()
    }
}
