import LeatCore

/// Names of tables as arguments give them.
enum TableText {
    /// What is in double quotes stands for itself, as in a pattern.
    static func name(_ text: String) -> TableName {
        if let found = quoted(text) { return found }
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        return parts.count == 2
            ? TableName(schema: parts[0], name: parts[1]) : TableName(schema: "public", name: text)
    }

    private static func quoted(_ text: String) -> TableName? {
        guard text.contains("\"") else { return nil }
        var (parts, isQuoted) = ([""], false)
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\"":
                // The second of two within quotes.
                if !isQuoted, index > 0, scalars[index - 1] == "\"" {
                    parts[parts.count - 1] += "\""
                }
                isQuoted.toggle()
            case "." where !isQuoted: parts.append("")
            default: parts[parts.count - 1].unicodeScalars.append(scalar)
            }
        }
        return switch parts.count {
        case 1: TableName(schema: "public", name: parts[0])
        case 2: TableName(schema: parts[0], name: parts[1])
        default: nil
        }
    }
}
