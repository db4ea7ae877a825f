/// The run must begin again at "take the stream", although no connection broke.
public struct Restart: Error {
    /// A sentence without its full stop, for the log.
    public var reason: String

    /// For a reason that the log tells.
    public init(reason: String) {
        self.reason = reason
    }
}
