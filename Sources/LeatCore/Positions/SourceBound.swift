public import PGWire

/// How far the ends that a stream names may be believed.
///
/// A server believes any position that it is told, and so would a target: one that lies beyond the
/// source's WAL, once stored, takes everything up to there for applied. No message of the stream
/// proves another. What does is the source's own word of how far its WAL is flushed, asked in
/// another session after the message came: a walsender sends nothing that is not.
public enum SourceBound {
    /// More than a server writes between two looks at it, a second apart.
    static let mostAhead: UInt64 = 1 << 40

    /// What lies beyond it is refused at once. Whatever else was only heard of needs proof before it
    /// is stored.
    ///
    /// - Parameter known: How far the source was when it was last asked; zero: it never was.
    public static func furthest(known: LSN) -> LSN {
        guard !known.isZero else { return LSN(rawValue: .max) }
        let (sum, overflow) = known.rawValue.addingReportingOverflow(mostAhead)
        return LSN(rawValue: overflow ? .max : sum)
    }
}

/// Compares what a stream has named with how far its server says that it is.
///
/// One look alone proves nothing: where a server has crashed, the session that asks may reach its
/// successor before the stream is known to be lost.
public struct EndWatch: Sendable {
    private var isInDoubt = false

    public init() {}

    /// - Parameters:
    ///   - heard: The furthest end that the stream had named before the source was asked.
    ///   - written: What the source said.
    public mutating func look(heard: LSN, written: LSN) throws(StreamError) {
        guard heard > written else {
            isInDoubt = false
            return
        }
        guard isInDoubt else {
            isInDoubt = true
            return
        }
        throw StreamError(.beyondEnd(heard, written: written), at: heard)
    }
}
