internal import LeatCatalogs
internal import LeatCore
public import PGClient

/// Where the schemas of two databases differ: `leat schema diff`.
public struct SchemaDiff: Sendable {
    private let source: Conninfo
    private let target: Conninfo
    private let command = "leat schema diff"

    public init(source: Conninfo, target: Conninfo) {
        self.source = source
        self.target = target
    }

    /// One side after the other; nothing is changed on either.
    ///
    /// - Throws: ``Halt``.
    public func differences() async throws -> [SchemaDifference] {
        let there = try await read(.source)
        let here = try await read(.target)
        let found = SchemaDifference.between(source: there.facts, target: here.facts)
        let real = there.version == here.version ? found : try await spelledAlike(found)
        return real + SchemaRights.differences(source: there.rights, target: here.rights)
    }

    private struct Side: Sendable {
        var facts: SchemaFacts
        var rights: SchemaRights
        /// The major one.
        var version: Int
    }

    private func read(_ peer: Peer) async throws -> Side {
        let conninfo = peer == .source ? source : target
        return try await Connection.with(conninfo, peer: peer, command: command) { session in
            Side(
                facts: try SchemaCatalog(session: session).facts(),
                rights: try SchemaRights(
                    wanted: peer == .source ? SchemaRights.toRead : SchemaRights.toApply,
                    on: session),
                version: session.serverVersion / 10_000)
        }
    }

    /// Without those whose definition only another version spells in another way: the target is
    /// asked how it would.
    private func spelledAlike(
        _ differences: [SchemaDifference]
    ) async throws -> [SchemaDifference] {
        try await Connection.with(target, peer: .target, command: command) { session in
            let spelling = ViewSpelling(session: session)
            return try differences.filter { difference in
                guard difference.kind == .view, difference.property == "definition",
                    let source = difference.source
                else { return true }
                return try spelling.own(of: source) != difference.target
            }
        }
    }
}
