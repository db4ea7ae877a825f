import LeatCore
import PGWire
import Testing

@Suite struct FlushWatchTests {
    @Test("a position is durable once the place behind its commit is flushed")
    func reached() {
        var watch = FlushWatch()

        watch.look(position: 100, inserted: 5000, flushed: 4000)
        #expect(watch.durable == nil)
        watch.look(position: 100, inserted: 6000, flushed: 4999)
        #expect(watch.durable == nil)
        watch.look(position: 100, inserted: 6000, flushed: 5000)
        #expect(watch.durable == 100)
    }

    @Test("later positions do not move the place that is waited for")
    func busy() {
        var watch = FlushWatch()

        watch.look(position: 100, inserted: 5000, flushed: 4000)
        watch.look(position: 200, inserted: 7000, flushed: 5000)
        #expect(watch.durable == 100)
        watch.look(position: 300, inserted: 9000, flushed: 6999)
        #expect(watch.durable == 100)
        watch.look(position: 400, inserted: 9999, flushed: 7000)
        #expect(watch.durable == 200)
    }

    @Test("what is flushed at the first look is durable then")
    func atOnce() {
        var watch = FlushWatch()

        watch.look(position: 100, inserted: 5000, flushed: 5000)

        #expect(watch.durable == 100)
    }
}
