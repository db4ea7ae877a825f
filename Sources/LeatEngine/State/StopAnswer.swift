/// What the process that runs a stream answers to a request to end it at a position.
struct StopAnswer: Codable, Equatable {
    enum State: String, Codable {
        /// It goes on to there.
        case waiting
        /// Everything up to there is stored, and the process ends.
        case stopping
        case refused
    }

    var state: State
    /// Where it ends.
    var end: String?
    /// Why not.
    var reason: String?
}
