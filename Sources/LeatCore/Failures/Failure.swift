/// What to do about an error that has ended a run.
public enum Failure: Sendable {
    case retry(Retry)
    case halt(Halt)

    /// What passes by itself.
    public struct Retry: Sendable {
        public var reason: String
        /// What a person may do so that it passes sooner.
        public var advice: String?
        /// Set if a server refuses to let us in: what it comes to if that lasts.
        public var ifLasting: Halt?

        public init(reason: String, advice: String? = nil, ifLasting: Halt? = nil) {
            self.reason = reason
            self.advice = advice
            self.ifLasting = ifLasting
        }
    }
}
