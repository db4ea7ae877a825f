internal import CLibpq

extension Session {
    /// Waits for a notification on any channel that the session listens on (`LISTEN` of the manual);
    /// one that came before is taken at once.
    ///
    /// - Parameter deadline: When to give up.
    /// - Returns: False if none came in time, or something else woke the session.
    /// - Throws: ``ConnectionError``: `lost` or `interrupted`.
    public func waitForNotification(
        until deadline: ContinuousClock.Instant
    ) throws(ConnectionError) -> Bool {
        if takeNotifications() { return true }
        let wakeup = try wait(
            reading: true, writing: false, until: deadline, attempting: "wait for a notification")
        guard wakeup == .ready else { return false }
        guard PQconsumeInput(connection) != 0 else { throw lost("wait for a notification") }
        return takeNotifications()
    }

    /// All that have come: whoever looks once sees what any of them is about.
    private func takeNotifications() -> Bool {
        var isAny = false
        // SAFETY: each is libpq's until it is freed, and its content is not looked at.
        while let one = PQnotifies(connection) {
            PQfreemem(one)
            isAny = true
        }
        return isAny
    }
}
