import LeatCore
import PGWire
import Testing

@Suite("The schedule of a replay")
struct ReplayScheduleTests {
    private let start = ContinuousClock.now

    /// - Parameter seconds: Of its commit.
    private func transaction(
        end: UInt64, at seconds: Double, isComplete: Bool = true, beganEarlier: Bool = false
    ) -> Transaction {
        Transaction(
            xid: TransactionID(rawValue: 7), commitLSN: LSN(rawValue: end - 8),
            endLSN: LSN(rawValue: isComplete ? end : 0),
            commitTime: PostgresTimestamp(rawValue: Int64(seconds * 1_000_000)), firstChange: 0,
            beganEarlier: beganEarlier, isComplete: isComplete)
    }

    @Test("without a limit everything goes at once")
    func unlimited() {
        var schedule = ReplaySchedule()

        #expect(schedule.admit(transaction(end: 100, at: 0), at: start) == .now)
        #expect(schedule.admit(transaction(end: 200, at: 1e9), at: start) == .now)
        #expect(schedule.isUnlimited)
    }

    @Test("an end that is a transaction's lets it in, and nothing behind it")
    func endsAtLSN() {
        var schedule = ReplaySchedule(until: .lsn(200))

        #expect(schedule.admit(transaction(end: 200, at: 0), at: start) == .now)
        #expect(schedule.admit(transaction(end: 208, at: 0), at: start) == .never)
        #expect(schedule.end(before: transaction(end: 300, at: 0).commitLSN) == 200)
        #expect(schedule.end(before: transaction(end: 207, at: 0).commitLSN) == 199)
    }

    @Test("a piece is beyond an end where its commit record does not begin before it")
    func endsBeforePieces() {
        var schedule = ReplaySchedule(until: .lsn(200))

        let inside = transaction(end: 207, at: 0, isComplete: false)
        let beyond = transaction(end: 208, at: 0, isComplete: false)
        #expect(schedule.admit(inside, at: start) == .now)
        #expect(schedule.admit(beyond, at: start) == .never)
    }

    @Test("the first later commit ends a replay to a time, as a recovery to a time")
    func endsAtTime() {
        var schedule = ReplaySchedule(until: .time(PostgresTimestamp(rawValue: 5_000_000)))

        #expect(schedule.admit(transaction(end: 100, at: 5), at: start) == .now)
        let later = transaction(end: 200, at: 5.000001)
        #expect(schedule.admit(later, at: start) == .never)
        #expect(schedule.end(before: later.commitLSN) == later.commitLSN)
    }

    @Test("commits keep their distance, divided by the speed")
    func keepsDistance() {
        var schedule = ReplaySchedule(speed: 10)

        #expect(schedule.admit(transaction(end: 100, at: 50), at: start) == .now)
        let next = transaction(end: 200, at: 60)
        #expect(schedule.admit(next, at: start) == .at(start + .seconds(1)))
        #expect(schedule.admit(next, at: start + .seconds(1)) == .now)
        // Earlier than one before it: commits are not in the order of their times.
        #expect(schedule.admit(transaction(end: 300, at: 40), at: start) == .now)
    }

    @Test("the later pieces of a transaction follow the first")
    func admitsPieces() {
        var schedule = ReplaySchedule(until: .lsn(50), speed: 1, pauses: [.lsn(10)])

        let piece = transaction(end: 100, at: 90, isComplete: false, beganEarlier: true)
        #expect(schedule.admit(piece, at: start) == .now)
    }

    @Test("a pause holds until it is resumed, and the spacing begins anew")
    func pauses() {
        var schedule = ReplaySchedule(speed: 1, pauses: [.lsn(100), .lsn(300)])
        #expect(schedule.admit(transaction(end: 100, at: 0), at: start) == .now)
        let next = transaction(end: 200, at: 60)

        #expect(schedule.admit(next, at: start + .seconds(3600)) == .paused)
        schedule.resume(next)
        #expect(schedule.admit(next, at: start + .seconds(3600)) == .now)
        let third = transaction(end: 300, at: 61)
        #expect(
            schedule.admit(third, at: start + .seconds(3600)) == .at(start + .seconds(3601)))
        #expect(schedule.admit(transaction(end: 400, at: 61), at: start) == .paused)
    }

    @Test("times that no clock can tell are no trap")
    func hostileTimes() {
        var schedule = ReplaySchedule(speed: 0.001)
        var first = transaction(end: 100, at: 0)
        first.commitTime = PostgresTimestamp(rawValue: .min)
        var last = first
        last.commitTime = PostgresTimestamp(rawValue: .max)

        #expect(schedule.admit(first, at: start) == .now)
        #expect(schedule.admit(last, at: start) == .now)
        last.commitTime = PostgresTimestamp(rawValue: -1)
        #expect(schedule.admit(last, at: start) != .now)
    }
}
