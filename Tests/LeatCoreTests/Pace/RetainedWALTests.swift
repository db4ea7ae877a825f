import LeatCore
import Testing

@Suite struct RetainedWALTests {
    @Test("warns at the limit, then each time it has doubled, and anew once it was below")
    func steps() {
        var retained = RetainedWAL(limit: 100)

        let warned = [0, 99, 100, 101, 199, 200, 399, 1000, 1599, 1600, 50, 99, 120, 130].map {
            retained.measured(UInt64($0))
        }

        #expect(
            warned == [
                false, false, true, false, false, true, false, true, false, true, false, false,
                true, false,
            ])
    }
}
