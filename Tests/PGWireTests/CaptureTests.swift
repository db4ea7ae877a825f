import LeatTestSupport
import PGWire
import Testing

@Suite struct CaptureTests {
    @Test("there are captures of all three servers")
    func present() {
        #expect(Capture.all.count == 14)
        #expect(Set(Capture.all.map(\.major)) == [15, 16, 18])
    }

    @Test("the encoder writes what the server sent, byte for byte", arguments: Capture.all)
    func identity(capture: Capture) throws {
        let (decoded, batch) = try capture.decoded()

        for (message, original) in zip(decoded, capture.messages) {
            #expect(message.encoded(from: batch) == original.bytes)
        }
    }

    @Test("the same changes commit in every version of the protocol", arguments: Capture.all)
    func committed(capture: Capture) throws {
        var changes = CommittedChanges()

        for message in try capture.decoded().messages { try changes.received(message) }

        try changes.finish()
        #expect(
            changes.counts == [.insert: 17, .update: 7, .delete: 4, .truncate: 3, .message: 4])
        #expect(changes.transactions == 11)
    }

    @Test("every proper prefix of every captured message is refused", arguments: Capture.all)
    func prefixes(capture: Capture) {
        let decoder = capture.decoder
        var streamed = false
        for message in capture.messages where message.bytes.count < 500 {
            for length in 0..<message.bytes.count {
                let prefix = Array(message.bytes[..<length])
                #expect(throws: DecodeError.self) {
                    try decoder.decode(prefix, streamed: streamed)
                }
            }
            if message.bytes[0] == MessageKind.streamStart.rawValue { streamed = true }
            if message.bytes[0] == MessageKind.streamStop.rawValue { streamed = false }
        }
    }

    @Test("values arrive as the scenario wrote them", arguments: Capture.all)
    func values(capture: Capture) throws {
        let (messages, batch) = try capture.decoded()
        let rows = messages.compactMap { if case .row(let row) = $0 { row } else { nil } }
        let text = { (tuple: Tuple) in batch.columns(of: tuple).map { batch.text(of: $0) } }

        let kinds = batch.columns(of: rows[1].new).map(\.kind)
        let value: Column.Kind = capture.isBinary ? .binary : .text
        #expect(kinds == [value, value, .null, .null])
        #expect(text(rows[1].new)[1] == "")
        #expect(text(rows[2].new)[1] == "drei – 三")
        #expect(rows[3].oldKind == .none)
        #expect(batch.columns(of: rows[3].new).map(\.kind)[2] == .unchangedTOAST)
        #expect(rows[4].oldKind == .key)
        #expect(batch.columns(of: rows[4].old).map(\.kind) == [value, .null, .null, .null])
        #expect(batch.columns(of: rows[4].new).map(\.kind)[2] == .unchangedTOAST)
        #expect(rows[9].kind == .update && rows[9].oldKind == .full)
        #expect(text(rows[9].old)[1] == nil && text(rows[9].new)[1] == "b")
    }

    @Test("relations, types and origin are described", arguments: Capture.all)
    func descriptions(capture: Capture) throws {
        let controls = try capture.decoded().messages.compactMap {
            if case .control(let message) = $0 { message } else { nil }
        }

        var identities: [String: ReplicaIdentity] = [:]
        var types: Set<String> = []
        var origins: [OriginMessage] = []
        for message in controls {
            switch message {
            case .relation(let message):
                identities[message.relation.name] = message.relation.replicaIdentity
                #expect(message.relation.schema == "shop")
            case .type(let message): types.insert(message.type.schema + "." + message.type.name)
            case .origin(let message): origins.append(message)
            default: break
            }
        }

        #expect(
            identities == [
                "item": .default, "entry": .full, "code": .index, "heard": .nothing,
                "typed": .default,
            ])
        // The domain is described by the type beneath it, whose schema is empty.
        #expect(types == ["shop.mood", "shop.pair", ".int4"])
        #expect(origins == [OriginMessage(lsn: 0x16_B374_D848, name: "upstream")])
    }

    @Test("only parallel streaming tells where a transaction aborted", arguments: Capture.all)
    func aborts(capture: Capture) throws {
        let aborts = try capture.decoded().messages.compactMap {
            if case .control(.streamAbort(let abort)) = $0 { abort } else { nil }
        }

        #expect(aborts.isEmpty == (capture.protocolVersion == 1))
        let hasPosition = capture.protocolVersion == 4
        #expect(aborts.allSatisfy { ($0.abortLSN != nil) == hasPosition })
        #expect(aborts.allSatisfy { ($0.abortTime != nil) == hasPosition })
    }
}
