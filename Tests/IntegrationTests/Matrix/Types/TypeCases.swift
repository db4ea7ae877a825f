/// Every type that a column can have.
enum TypeCases {
    static let all = list.map(\.testCase)

    static let list = [
        TypeCase(
            type: "int4", values: ["0", "-1", "'2147483647'", "'-2147483648'"]),
        TypeCase(
            type: "numeric",
            values: [
                "'NaN'", "'Infinity'", "'-Infinity'", "0", "0.0", "1.0", "1.00", "1e-1000",
                "1e1000",
            ]),
        TypeCase(
            type: "money", values: ["'-92233720368547758.08'", "'12.34'", "0"],
            textOnly: { _ in "its text depends on lc_monetary" }),
    ]
}
