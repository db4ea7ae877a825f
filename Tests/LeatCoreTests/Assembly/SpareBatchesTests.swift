import LeatCore
import PGWire
import Testing

@Suite("Spare batches")
struct SpareBatchesTests {
    private func batch(bytes: Int) -> Batch {
        var batch = Batch()
        batch.bytes = Array(repeating: 7, count: bytes)
        return batch
    }

    @Test("one that was large comes back empty, with its memory, and once")
    func comesBack() {
        let spare = SpareBatches()
        spare.keep(batch(bytes: 1 << 20))
        let taken = spare.take()
        #expect(taken.bytes.isEmpty && taken.bytes.capacity >= 1 << 20)
        #expect(spare.take().bytes.capacity == 0)
    }

    @Test("whoever still reads it reads what it was")
    func isCopied() {
        let spare = SpareBatches()
        let read = batch(bytes: 1 << 20)
        spare.keep(read)
        var taken = spare.take()
        taken.bytes.append(1)
        #expect(read.bytes.count == 1 << 20 && read.bytes[0] == 7)
    }

    @Test("small ones are not kept")
    func small() {
        let spare = SpareBatches()
        spare.keep(batch(bytes: 1000))
        #expect(spare.take().bytes.capacity == 0)
    }
}
