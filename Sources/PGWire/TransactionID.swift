/// The 32-bit number of a transaction or subtransaction on the source.
///
/// Numbers wrap around after 2³², so they are compared for equality only.
///
/// Source: "Transactions and Identifiers" in the PostgreSQL manual.
public struct TransactionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The 32 bits that the server sends, without an epoch.
    public let rawValue: UInt32

    /// Any number: 0 is that of no transaction.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}
