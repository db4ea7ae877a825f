import Foundation
import Synchronization

/// Ports below the range that the kernel hands out to clients, so that a stopped server finds its
/// own port free again.
enum FreePort {
    private static let given = Mutex<Set<Int>>([])

    /// A port of 127.0.0.1 on which nobody listens, and that this process has not been given yet.
    /// Another process may still be faster: whoever listens must be ready to ask again.
    static func next() throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 20_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            if let descriptor = try? listen(on: port) {
                close(descriptor)
                return port
            }
        }
        throw TestSupportError("No free port on 127.0.0.1")
    }

    /// A listening socket on 127.0.0.1.
    static func listen(on port: Int) throws -> Int32 {
        let descriptor = try tcpSocket()
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard withLoopback(port, do: { bind(descriptor, $0, $1) }) == 0,
            Glibc.listen(descriptor, 128) == 0
        else {
            let reason = errnoText()
            close(descriptor)
            throw TestSupportError("Cannot listen on port \(port): \(reason)")
        }
        return descriptor
    }

    /// A socket connected to 127.0.0.1.
    static func connect(to port: Int) throws -> Int32 {
        let descriptor = try tcpSocket()
        guard withLoopback(port, do: { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let reason = errnoText()
            close(descriptor)
            throw TestSupportError("Cannot connect to port \(port): \(reason)")
        }
        return descriptor
    }

    private static func tcpSocket() throws -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw TestSupportError("No socket: \(errnoText())") }
        return descriptor
    }

    private static func withLoopback(
        _ port: Int, do body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
