/// What went wrong in the tests' own machinery: a missing server version, a tool that failed, a
/// deadline that passed. Never a verdict on Leat itself.
public struct TestSupportError: Error, CustomStringConvertible, Sendable {
    /// One or more lines for a person to read.
    public let description: String

    /// - Parameter description: What was attempted and what happened instead.
    public init(_ description: String) {
        self.description = description
    }
}
