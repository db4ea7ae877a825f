public import PGWire

/// In tests a SQLSTATE may stand as the five characters.
extension SQLState: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self.init(rawValue: value)
    }
}
