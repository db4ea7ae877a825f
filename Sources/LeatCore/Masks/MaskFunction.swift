/// What `--mask` makes of a column's values. NULL stays NULL.
public enum MaskFunction: Sendable, Hashable {
    case null
    /// The same text for every value.
    case text(String)
    /// Made of the value and `LEAT_MASK_KEY`: equal values stay equal.
    case hash

    /// As a rule has it behind the `=`; nil for what is none.
    init?(_ text: String) {
        switch text {
        case "null": self = .null
        case "hash": self = .hash
        default:
            guard text.hasPrefix("text:"), !text.unicodeScalars.contains("\0") else { return nil }
            self = .text(MaskFunction.unquoted(String(text.dropFirst(5))))
        }
    }

    /// What is in double quotes stands for itself, as in a name: so a list may have commas.
    private static func unquoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard scalars.count >= 2, scalars.first == "\"", scalars.last == "\"" else { return text }
        var (result, isSecond) = (String.UnicodeScalarView(), false)
        for scalar in scalars.dropFirst().dropLast() {
            isSecond = scalar == "\"" && !isSecond
            if !isSecond { result.append(scalar) }
        }
        return String(result)
    }

    /// As a rule has it.
    public var text: String {
        switch self {
        case .null: "null"
        case .hash: "hash"
        case .text(let value):
            value.unicodeScalars.contains { $0 == "," || $0 == "\"" }
                ? "text:\(SQLText.listed(value))" : "text:\(value)"
        }
    }
}
