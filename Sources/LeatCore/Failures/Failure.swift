/// What to do about an error that has ended a run.
package enum Failure: Sendable {
    case retry(Retry)
    case halt(Halt)

    /// What passes by itself.
    package struct Retry: Sendable {
        package var reason: String
        /// What a person may do so that it passes sooner.
        package var advice: String?
        /// Set if a server refuses to let us in: what it comes to if that lasts.
        package var ifLasting: Halt?

        package init(reason: String, advice: String? = nil, ifLasting: Halt? = nil) {
            self.reason = reason
            self.advice = advice
            self.ifLasting = ifLasting
        }
    }
}
