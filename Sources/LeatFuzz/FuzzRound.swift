internal import LeatTestSupport

/// One history, or one archive, that is damaged and read.
///
/// Everything in it follows from its seed. A trap ends the process; whoever runs rounds says
/// beforehand which one begins.
public enum FuzzRound {
    case messages
    case archive

    /// - Parameter recordings: Payloads as servers sent them, each a stream.
    /// - Returns: How many messages were read.
    /// - Throws: ``FuzzFinding``.
    public func run(seed: UInt64, recordings: [[[UInt8]]]) throws -> Int {
        var random = SeededGenerator(seed: seed)
        switch self {
        case .messages:
            var round = MessageRound(by: &random, recordings: recordings)
            return try round.run()
        case .archive:
            var round = try ArchiveRound(&random)
            return try round.run()
        }
    }
}
