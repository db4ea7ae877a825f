import Foundation
import Synchronization

/// The faults of a ``TCPProxy``, asked by its connections' threads.
final class ProxyFaults: Sendable {
    private struct State {
        var stalled: Set<TCPProxy.Direction> = []
        var isDropping = false
        var isPooling = false
        var falseEnd: UInt64?
        /// Dropping begins when the client sends this.
        var awaited: [UInt8] = []
    }

    private let state = Mutex(State())
    private let changed = NSCondition()

    var isDropping: Bool { state.withLock { $0.isDropping } }

    func stall(_ directions: [TCPProxy.Direction]) {
        state.withLock { $0.stalled.formUnion(directions) }
    }

    func pool() {
        state.withLock { $0.isPooling = true }
    }

    /// What the client is told of a new session, as a pooler tells it: another process number, in
    /// the message BackendKeyData.
    func disguise(_ bytes: inout [UInt8], count: Int) {
        guard state.withLock({ $0.isPooling }) else { return }
        let head: [UInt8] = [UInt8(ascii: "K"), 0, 0, 0, 12]
        guard let range = bytes[..<count].firstRange(of: head), range.upperBound + 4 <= count else {
            return
        }
        bytes[range.upperBound + 3] ^= 1
    }

    func lie(_ end: UInt64) {
        state.withLock { $0.falseEnd = end }
    }

    /// Changes keepalives, each CopyData of 18 bytes, that lie whole in what was read.
    func falsify(_ bytes: inout [UInt8], count: Int) {
        guard let end = state.withLock({ $0.falseEnd }) else { return }
        let head: [UInt8] = [UInt8(ascii: "d"), 0, 0, 0, 22, UInt8(ascii: "k")]
        var place = 0
        while let range = bytes[place..<count].firstRange(of: head), range.upperBound + 8 <= count {
            place = range.upperBound + 8
            withUnsafeBytes(of: end.bigEndian) {
                bytes.replaceSubrange(range.upperBound..<place, with: $0)
            }
        }
    }

    func drop() {
        state.withLock { $0.isDropping = true }
    }

    func drop(whenSeen text: [UInt8]) {
        state.withLock { $0.awaited = text }
    }

    func clear() {
        state.withLock { $0 = State() }
        wakeAll()
    }

    func wakeAll() {
        changed.lock()
        changed.broadcast()
        changed.unlock()
    }

    /// Blocks while this direction is stalled and the connection is open.
    func waitWhileStalled(_ direction: TCPProxy.Direction, while isOpen: () -> Bool) {
        changed.lock()
        defer { changed.unlock() }
        while isOpen(), state.withLock({ $0.stalled.contains(direction) }) {
            changed.wait()
        }
    }

    /// Notes what the client sends.
    ///
    /// - Parameter tail: The end of what it sent before; kept here between calls, so that a text
    ///   split over two reads is seen.
    func clientSends(_ bytes: ArraySlice<UInt8>, after tail: inout [UInt8]) {
        let awaited = state.withLock { $0.awaited }
        guard !awaited.isEmpty else { return tail = [] }
        let whole = tail + bytes
        if whole.contains(awaited) { state.withLock { $0.isDropping = true } }
        tail = Array(whole.suffix(awaited.count - 1))
    }
}

/// One client and its server: two sockets, a thread a direction.
final class ProxyConnection: Sendable {
    private struct State {
        var openThreads = 2
        var isCut = false
    }

    private let client: Int32
    private let server: Int32
    private let faults: ProxyFaults
    private let state = Mutex(State())

    init(client: Int32, server: Int32, _ faults: ProxyFaults) {
        self.client = client
        self.server = server
        self.faults = faults
    }

    /// Forwards until both sides have closed.
    ///
    /// - Parameter ended: Called once, when the sockets are closed.
    func start(_ ended: @escaping @Sendable () -> Void) {
        for direction in [TCPProxy.Direction.toServer, .toClient] {
            Thread.detachNewThread { [self] in
                forward(direction)
                let isLast = state.withLock { state in
                    state.openThreads -= 1
                    guard state.openThreads == 0 else { return false }
                    // Under the lock: `cut()` must not touch a number that is another's by then.
                    // A child that we have just started may hold the sockets for a moment too.
                    for descriptor in [client, server] {
                        shutdown(descriptor, Int32(SHUT_RDWR))
                        close(descriptor)
                    }
                    return true
                }
                if isLast { ended() }
            }
        }
    }

    /// Ends both sides; the threads then end by themselves once they are woken.
    func cut() {
        state.withLock { state in
            state.isCut = true
            guard state.openThreads > 0 else { return }
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
    }

    private var isOpen: Bool { state.withLock { !$0.isCut } }

    private func forward(_ direction: TCPProxy.Direction) {
        let (from, to) = direction == .toServer ? (client, server) : (server, client)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var tail: [UInt8] = []
        while true {
            let count = recv(from, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            faults.waitWhileStalled(direction) { isOpen }
            switch direction {
            case .toServer: faults.clientSends(buffer[..<count], after: &tail)
            case .toClient:
                if faults.isDropping { continue }
                faults.disguise(&buffer, count: count)
                faults.falsify(&buffer, count: count)
            }
            guard isOpen, sendAll(buffer[..<count], to: to) else { break }
        }
        // The other direction may still have something to say, unless this one is broken.
        shutdown(to, Int32(SHUT_WR))
    }

    private func sendAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}
