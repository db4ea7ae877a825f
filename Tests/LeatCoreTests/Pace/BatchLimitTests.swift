import PGWire
import Testing

@testable import LeatCore

@Suite struct BatchLimitTests {
    private func batch(_ kinds: [(Change.Kind, count: Int)], bytes: Int) -> Batch {
        var batch = Batch()
        batch.bytes = Array(repeating: 0, count: bytes)
        for (kind, count) in kinds {
            for _ in 0..<count { batch.changes.append(Change(kind: kind, relation: 0, lsn: 1)) }
        }
        return batch
    }

    private func allows(_ kinds: [(Change.Kind, count: Int)], bytes: Int) -> Bool {
        var limit = BatchLimit()
        return limit.allows(batch(kinds, bytes: bytes))
    }

    private let most = BatchLimit.largestBytes

    @Test("any batch may grow to 4 MiB")
    func any() {
        #expect(allows([(.insert, count: 10)], bytes: most - 10_000))
        #expect(!allows([(.insert, count: 10)], bytes: most))
        #expect(!allows([(.update, count: 80), (.insert, count: 20)], bytes: most))
    }

    @Test("one of updates and deletes to twice as much")
    func rewrites() {
        let kinds: [(Change.Kind, count: Int)] = [
            (.update, count: 50), (.delete, count: 40), (.insert, count: 10),
        ]
        #expect(allows(kinds, bytes: most))
        #expect(allows(kinds, bytes: 2 * most - 100_000))
        #expect(!allows(kinds, bytes: 2 * most))
    }

    @Test("each batch anew")
    func next() {
        var limit = BatchLimit()

        let first = limit.allows(batch([(.delete, count: 10)], bytes: most))
        let empty = limit.allows(batch([], bytes: 0))
        let second = limit.allows(batch([(.insert, count: 10)], bytes: most))

        #expect(first && empty)
        #expect(!second)
    }
}
