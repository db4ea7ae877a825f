import LeatTestSupport
@testable import PGClient
import PGWire
import Testing

extension Session {
    /// All that a `COPY ... TO STDOUT` sends.
    fileprivate func copyOut(_ sql: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try beginCopyOut(sql)
        while try nextCopyData({ bytes.append(contentsOf: $0) }) {}
        return bytes
    }

    fileprivate func copyIn(_ sql: String, _ bytes: [UInt8], pieces: Int = 7) throws -> Int {
        try beginCopyIn(sql)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = bytes[start..<min(start + pieces, bytes.count)]
            try piece.withUnsafeBytes { try putCopyData($0) }
        }
        return try endCopyIn()
    }
}

@Suite("COPY")
struct CopyTests {
    @Test("what goes out goes in byte for byte, in any pieces", arguments: PostgresVersion.allCases)
    func relays(_ version: PostgresVersion) async throws {
        let connection = try await Server.connection(version)

        let (bytes, copied, difference) = try await connection.run { session in
            try session.execute(
                """
                create temporary table a (i int, v text, b bytea);
                create temporary table b (like a);
                insert into a values (1, E'tab\\t newline\\n return\\r back\\\\slash \\b\\f\\v', ''),
                  (2, '', '\\x00ff0a'), (3, null, null), (4, '\\N', '\\x5c2e0a'),
                  (5, repeat('上 ', 50000), '\\x7f80'), (6, E'\\u0001\\u007f', '\\x')
                """)
            let bytes = try session.copyOut("copy a to stdout")
            let copied = try session.copyIn("copy b from stdin", bytes)
            let difference = try session.execute(
                "select count(*) from ((table a except table b) union all (table b except table a)) x"
            ).scalar
            return (bytes, copied, difference)
        }

        #expect(bytes.count > 200_000 && copied == 6 && difference == "0")
    }

    @Test("binary COPY relays too")
    func binary() async throws {
        let connection = try await Server.connection()

        let same = try await connection.run { session in
            try session.execute("create temporary table b (v bytea, n numeric)")
            let bytes = try session.copyOut(
                "copy (select '\\x00ff'::bytea, 1.50) to stdout (format binary)")
            _ = try session.copyIn("copy b from stdin (format binary)", bytes, pieces: 3)
            return try session.execute("select v = '\\x00ff' and n::text = '1.50' from b").scalar
        }

        #expect(same == "t")
    }

    @Test("no rows are no bytes, and the session goes on")
    func noRows() async throws {
        let connection = try await Server.connection()

        let (bytes, copied) = try await connection.run { session in
            try session.execute("create temporary table t (i int)")
            let bytes = try session.copyOut("copy t to stdout")
            return (bytes, try session.copyIn("copy t from stdin", bytes))
        }

        #expect(bytes.isEmpty && copied == 0)
        #expect(try await connection.query("select 1").scalar == "1")
    }

    @Test("an error in the middle of COPY TO is thrown whole, and the session goes on")
    func errorOut() async throws {
        let connection = try await Server.connection()

        let error = await connectionError {
            try await connection.run {
                _ = try $0.copyOut(
                    "copy (select 1 / (5000 - i) from generate_series(1, 9999) i) to stdout")
            }
        }

        #expect(error?.code == .server && error?.sqlState == "22012")
        #expect(try await connection.query("select 1").scalar == "1")
    }

    @Test("an error in the middle of COPY FROM undoes it, and the session goes on")
    func errorIn() async throws {
        let connection = try await Server.connection()
        try await connection.execute("create temporary table t (i int)")

        let error = await connectionError {
            try await connection.run {
                let rows = (0..<50_000).map { $0 == 20 ? "x\n" : "\($0)\n" }.joined()
                _ = try $0.copyIn("copy t from stdin", Array(rows.utf8), pieces: 999)
            }
        }

        #expect(error?.code == .server && error?.sqlState == "22P02")
        #expect(error?.server?.context?.contains("line 21") == true)
        #expect(try await connection.query("select count(*) from t").scalar == "0")
    }

    @Test("a COPY that cannot begin fails as a statement does")
    func cannotBegin() async throws {
        let connection = try await Server.connection()

        for sql in ["copy nowhere to stdout", "copy nowhere from stdin", "copy"] {
            let error = await connectionError {
                try await connection.run { try $0.beginCopyOut(sql) }
            }
            #expect(error?.code == .server)
        }
        #expect(try await connection.query("select 1").scalar == "1")
    }

    @Test("a target that does not take its rows holds the copy up, not in memory")
    func backPressure() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let proxy = try TCPProxy(to: cluster.port)
        let connection = try await Server.connection(proxy.conninfo())
        let sent = Counter()
        try await connection.run {
            try $0.execute("create temporary table t (v text)")
            try $0.beginCopyIn("copy t from stdin")
        }
        proxy.stall(.toServer)

        let task = Task {
            try await connection.run { session in
                let piece = [UInt8](repeating: 0x78, count: 1 << 16)
                for _ in 0..<4096 {
                    try piece.withUnsafeBytes { try session.putCopyData($0) }
                    sent.add(piece.count)
                }
            }
        }
        // Once it has stopped growing, what is under way is in the sockets.
        var last = -1
        while sent.value != last || last == 0 {
            last = sent.value
            try await Task.sleep(for: .milliseconds(300))
        }
        task.cancel()
        proxy.cut()

        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(sent.value < 64 << 20, "\(sent.value >> 20) MiB")
    }
}
