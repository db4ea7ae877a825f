/// Tells an archive from all others: drawn by lot when it is begun.
public struct ArchiveID: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func random() -> ArchiveID { ArchiveID(rawValue: .random(in: 0 ... .max)) }

    /// From sixteen hexadecimal digits; nil otherwise.
    public init?(_ text: some StringProtocol) {
        guard let value = UInt64(text, radix: 16) else { return nil }
        rawValue = value
        guard description == text else { return nil }
    }

    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

extension ArchiveID: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ArchiveID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no archive ID")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
