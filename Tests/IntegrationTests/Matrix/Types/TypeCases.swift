/// Every type that a column can have.
enum TypeCases {
    static let all = list.map(\.testCase)
    static let list = plain + times + systems + own + refused
    /// Names in `pg_type`.
    static let covered = list.flatMap(\.covers)
}
