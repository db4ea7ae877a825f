/// The 32-bit number of a transaction or subtransaction on the source.
///
/// Numbers wrap around after 2³², so they are compared for equality only.
///
/// Source: "Transactions and Identifiers" in the PostgreSQL manual.
public struct TransactionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }
}
