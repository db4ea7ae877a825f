/// In what form a type takes a hash.
enum HashForm: Sendable, Hashable {
    /// 64 digits. Of `char(n)`, the blanks at the end are none of the value.
    case hexadecimal(isPadded: Bool)
    case uuid
    case integer(bits: Int)

    static let digits = 64

    private static let names: [(name: String, form: HashForm)] = [
        ("text", .hexadecimal(isPadded: false)), ("char", .hexadecimal(isPadded: true)),
        ("uuid", .uuid), ("int2", .integer(bits: 16)), ("int4", .integer(bits: 32)),
        ("int8", .integer(bits: 64)),
    ]

    /// As it is stored.
    var name: String { HashForm.names.first { $0.form == self }?.name ?? "" }

    init?(named name: String) {
        guard let found = HashForm.names.first(where: { $0.name == name }) else { return nil }
        self = found.form
    }

    /// Nil for a type that takes none.
    init?(_ type: CatalogType) {
        guard type.isBuiltIn else { return nil }
        switch type.name {
        case "text", "varchar": self = .hexadecimal(isPadded: false)
        case "bpchar": self = .hexadecimal(isPadded: true)
        case "uuid": self = .uuid
        case "int2": self = .integer(bits: 16)
        case "int4": self = .integer(bits: 32)
        case "int8": self = .integer(bits: 64)
        default: return nil
        }
    }

    /// Whether a column of the target takes what comes out.
    ///
    /// - Parameters:
    ///   - type: The target's, below its domain.
    ///   - length: Of its `varchar(n)` or `char(n)`; nil for any.
    func fits(_ type: CatalogType, length: Int?) -> Bool {
        guard let other = HashForm(type) else {
            return isInteger && type.isBuiltIn && type.name == "numeric"
        }
        switch (self, other) {
        case (.hexadecimal, .hexadecimal): return length.map { $0 >= HashForm.digits } ?? true
        case (.uuid, .hexadecimal): return length.map { $0 >= 36 } ?? true
        case (.uuid, .uuid): return true
        case (.integer(let bits), .integer(let wider)): return bits <= wider
        case (.integer, .hexadecimal): return length.map { $0 >= 20 } ?? true
        case (.hexadecimal, _), (.uuid, _), (.integer, _): return false
        }
    }

    private var isInteger: Bool {
        if case .integer = self { true } else { false }
    }
}
