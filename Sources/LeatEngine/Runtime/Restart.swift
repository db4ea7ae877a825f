/// The run must begin again at "take the stream", although no connection broke.
struct Restart: Error {
    var reason: String
}
