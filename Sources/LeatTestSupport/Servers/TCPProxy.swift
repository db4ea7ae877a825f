import Foundation
import Synchronization

/// Stands between a client and a server on 127.0.0.1, and misbehaves as told: networks that stall,
/// break, or lose answers.
public final class TCPProxy: Sendable {
    /// Which way bytes go.
    public enum Direction: Sendable {
        case toServer
        case toClient
    }

    private struct State {
        var listener: Int32?
        var connections: [Int: ProxyConnection] = [:]
        var lastConnection = 0
        var isRemoved = false
    }

    /// Where clients connect.
    public let port: Int
    private let serverPort: Int
    private let faults = ProxyFaults()
    private let state = Mutex(State())

    /// Starts to forward.
    ///
    /// - Parameter serverPort: The server's port on 127.0.0.1.
    public init(to serverPort: Int) throws {
        self.serverPort = serverPort
        port = try FreePort.next()
        try accept()
    }

    deinit {
        remove()
    }

    /// A connection string through this proxy.
    public func conninfo(database: String = "postgres", user: String = "postgres") -> String {
        "host=127.0.0.1 port=\(port) user=\(user) dbname=\(database)"
    }

    /// The number of open connections.
    public var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Forwards nothing more, in one or either direction, and keeps the connections open. New ones
    /// are accepted and stall too.
    public func stall(_ directions: Direction...) {
        faults.stall(directions.isEmpty ? [.toServer, .toClient] : directions)
    }

    /// Ends every fault but ``refuse()``: what was held is forwarded, what was dropped is lost.
    public func resume() {
        faults.clear()
    }

    /// New sessions look as through a connection pooler: their process number is made up.
    public func pool() {
        faults.pool()
    }

    /// From now on every keepalive of a walsender names this end of the WAL.
    public func lie(end: UInt64) {
        faults.lie(end)
    }

    /// From now on forgets what the server sends, while what the client sends still arrives: it
    /// commits and never hears. Usually followed by ``cut()``.
    public func dropServerAnswers() {
        faults.drop()
    }

    /// Does ``dropServerAnswers()`` as soon as the client sends `text`, before the server sees it.
    public func dropServerAnswers(whenClientSends text: String) {
        faults.drop(whenSeen: Array(text.utf8))
    }

    /// Whether answers are being dropped, so that the awaited text was seen.
    public var isDroppingServerAnswers: Bool { faults.isDropping }

    /// Closes every connection on both sides.
    public func cut() {
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections { connection.cut() }
        faults.wakeAll()
    }

    /// Refuses new connections, as a server that is down; the present ones stay.
    public func refuse() {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        // Wakes the listening thread, which closes it.
        if let listener { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    /// Accepts new connections again.
    public func accept() throws {
        let listener: Int32? = try state.withLock { state in
            guard state.listener == nil, !state.isRemoved else { return nil }
            let listener = try FreePort.listen(on: port)
            state.listener = listener
            return listener
        }
        guard let listener else { return }
        Thread.detachNewThread { [weak self, faults, serverPort] in
            while true {
                let client = Glibc.accept(listener, nil, nil)
                guard client >= 0 else { break }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                guard let server = try? FreePort.connect(to: serverPort) else {
                    close(client)
                    continue
                }
                let connection = ProxyConnection(client: client, server: server, faults)
                guard let self, self.admit(connection) else { break }
            }
            close(listener)
        }
    }

    /// Closes everything. Also happens when the last reference goes.
    public func remove() {
        state.withLock { $0.isRemoved = true }
        refuse()
        cut()
    }

    private func admit(_ connection: ProxyConnection) -> Bool {
        let number = state.withLock { state -> Int? in
            guard !state.isRemoved else { return nil }
            state.lastConnection += 1
            state.connections[state.lastConnection] = connection
            return state.lastConnection
        }
        connection.start { [weak self] in
            guard let self, let number else { return }
            self.state.withLock { _ = $0.connections.removeValue(forKey: number) }
        }
        if number == nil { connection.cut() }
        return number != nil
    }
}
