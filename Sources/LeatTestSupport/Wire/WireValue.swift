/// One value of a tuple, as tests write it.
public enum WireValue: Sendable, Hashable, ExpressibleByStringLiteral {
    case null
    case unchangedTOAST
    case text(String)
    case binary([UInt8])

    public init(stringLiteral value: String) {
        self = .text(value)
    }
}

/// The old tuple of an update or a delete, as tests write it.
public enum WireOldTuple: Sendable, Hashable {
    case none
    /// `K`: under the replica identities DEFAULT and INDEX.
    case key([WireValue])
    /// `O`: under the replica identity FULL.
    case full([WireValue])
}
