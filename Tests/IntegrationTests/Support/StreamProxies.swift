import LeatTestSupport

/// A proxy before each of a stream's servers.
struct StreamProxies {
    enum Side: CaseIterable {
        case source, target
    }

    let source: TCPProxy
    let target: TCPProxy

    init(_ stream: StreamFixture) throws {
        source = try TCPProxy(to: stream.source.port)
        target = try TCPProxy(to: stream.target.port)
    }

    @discardableResult
    func start(_ stream: StreamFixture, _ options: String...) throws -> LeatProcess {
        try stream.start(
            arguments: options, source: source.conninfo(database: stream.database),
            target: target.conninfo(database: stream.database))
    }

    subscript(_ side: Side) -> TCPProxy { side == .source ? source : target }
}
