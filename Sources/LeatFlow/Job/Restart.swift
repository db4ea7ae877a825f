/// The run must begin again at "take the stream", although no connection broke.
package struct Restart: Error {
    package var reason: String

    package init(reason: String) {
        self.reason = reason
    }
}
