/// The name of a stream: lower-case letters, digits and underscores.
///
/// Slot, publication, origin and `application_name` are made of it, so it is at most 50
/// characters: PostgreSQL's names have 63, and `leat_` and a suffix go around it.
public struct StreamName: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        guard (1...50).contains(text.utf8.count), SlotName.isValid(text) else { return nil }
        self.text = text
    }

    public var description: String { text }

    /// Slot, publication, replication origin and `application_name` of the stream.
    public var objectName: String { "leat_\(text)" }
}

/// The name of a replication slot: 1 to 63 of `a-z 0-9 _`.
public struct SlotName: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        guard (1...63).contains(text.utf8.count), SlotName.isValid(text) else { return nil }
        self.text = text
    }

    public var description: String { text }

    static func isValid(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
        }
    }
}
