/// Selects tables by name: `schema.table` or `table`, where `*` stands for any characters and
/// `?` for one. Without a schema it matches in `public`. What is in double quotes stands for
/// itself, as in SQL: `"a.b"` is one name, `"Users"` another than `users`.
public struct TablePattern: Sendable, Equatable, CustomStringConvertible {
    /// By scalars, as PostgreSQL reads: a quote before a combining mark is another `Character`, and
    /// two names may be the same characters, composed and not.
    private enum Element: Equatable {
        case character(Unicode.Scalar)
        case one, many

        init(_ character: Unicode.Scalar, isQuoted: Bool) {
            switch character {
            case "*" where !isQuoted: self = .many
            case "?" where !isQuoted: self = .one
            default: self = .character(character)
            }
        }

        var folded: Element {
            guard case .character(let character) = self else { return self }
            let lowercase = character.properties.lowercaseMapping.unicodeScalars
            guard lowercase.count == 1, let only = lowercase.first else { return self }
            return .character(only)
        }
    }

    /// As it was written, without blanks around it.
    public let text: String
    private let hasSchema: Bool
    private var schema: [Element]
    private var name: [Element]

    /// Nil for an empty pattern, one with an empty part, or a quote that does not end.
    public init?(_ text: String) {
        let trimmed = TablePattern.trimmed(text)
        guard let parts = TablePattern.parts(trimmed) else { return nil }
        self.text = trimmed
        hasSchema = parts.count == 2
        name = parts[parts.count - 1]
        schema = parts.count == 2 ? parts[0] : "public".unicodeScalars.map(Element.character)
    }

    public var description: String { hasSchema ? text : "public.\(text)" }

    /// Whether it can match one table only.
    public var isName: Bool { !(schema + name).contains { $0 == .one || $0 == .many } }

    /// The table that it is the name of; nil if it can match others too.
    public var tableName: TableName? {
        guard isName else { return nil }
        return TableName(schema: TablePattern.name(schema), name: TablePattern.name(name))
    }

    public func matches(_ table: TableName) -> Bool {
        TablePattern.matches(schema[...], in: Array(table.schema.unicodeScalars)[...])
            && TablePattern.matches(name[...], in: Array(table.name.unicodeScalars)[...])
    }

    // MARK: Reading

    /// The patterns in a text with commas between them. Empty ones are kept: they are more likely
    /// variables that were not set than wishes.
    public static func texts(in list: String) -> [String] { texts(in: list, separator: ",") }

    /// The same with something else between them.
    static func texts(in list: String, separator: Unicode.Scalar) -> [String] {
        var (texts, isQuoted) = ([""], false)
        for character in list.unicodeScalars {
            if character == "\"" { isQuoted.toggle() }
            if character == separator, !isQuoted {
                texts.append("")
            } else {
                texts[texts.count - 1].unicodeScalars.append(character)
            }
        }
        return texts.map(trimmed)
    }

    static func trimmed(_ text: String) -> String {
        var rest = text.unicodeScalars[...]
        while rest.first?.properties.isWhitespace == true { rest.removeFirst() }
        while rest.last?.properties.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }

    /// Names with dots between them, written as patterns are.
    ///
    /// - Returns: Nil if one is empty, or could match others too.
    static func names(in text: String, most: Int) -> [String]? {
        guard let parts = parts(text, most: most),
            !parts.joined().contains(where: { $0 == .one || $0 == .many })
        else { return nil }
        return parts.map(name)
    }

    private static func name(_ elements: [Element]) -> String {
        var text = String.UnicodeScalarView()
        for case .character(let character) in elements { text.append(character) }
        return String(text)
    }

    /// One or more; nil if one is empty.
    private static func parts(_ text: String, most: Int = 2) -> [[Element]]? {
        var (parts, isQuoted, wasQuote): ([[Element]], Bool, Bool) = ([[]], false, false)
        for character in text.unicodeScalars {
            if character == "\"" {
                // Two within quotes are one of the name.
                if !isQuoted, wasQuote { parts[parts.count - 1].append(.character(character)) }
                isQuoted.toggle()
                wasQuote = !isQuoted
                continue
            }
            wasQuote = false
            if character == ".", !isQuoted, parts.count < most {
                parts.append([])
            } else {
                parts[parts.count - 1].append(Element(character, isQuoted: isQuoted))
            }
        }
        return isQuoted || parts.contains(where: \.isEmpty) ? nil : parts
    }

    // MARK: What it may have been meant for

    /// Of tables that it does not match, those that it nearly does: in another schema, with other
    /// capitals, or with a letter or two that differ.
    public func nearMisses(among tables: [TableName]) -> [TableName] {
        let wide = folded
        let similar = tables.filter { table in
            TablePattern.matches(
                wide.name[...], in: Array(table.name.lowercased().unicodeScalars)[...])
        }
        guard similar.isEmpty, isName else { return Array(similar.prefix(5)) }
        let letters = wide.name
        let distances = tables.map { table in
            (
                table,
                TablePattern.distance(
                    letters, table.name.lowercased().unicodeScalars.map(Element.character))
            )
        }
        let closest = distances.map(\.1).min() ?? .max
        guard closest <= min(2, letters.count / 3) else { return [] }
        return Array(distances.filter { $0.1 == closest }.map(\.0).prefix(5))
    }

    private var folded: TablePattern {
        var folded = self
        folded.name = name.map(\.folded)
        return folded
    }

    /// How many letters have to be put in, taken out or changed.
    private static func distance(_ left: [Element], _ right: [Element]) -> Int {
        var row = Array(0...right.count)
        for (number, element) in left.enumerated() {
            var (diagonal, previous) = (row[0], number + 1)
            row[0] = previous
            for place in right.indices {
                let cost = min(
                    diagonal + (right[place] == element ? 0 : 1), previous + 1, row[place + 1] + 1)
                (diagonal, row[place + 1], previous) = (row[place + 1], cost, cost)
            }
        }
        return row[right.count]
    }

    /// The pattern that matches this table alone.
    public static func text(of table: TableName) -> String {
        "\(text(ofName: table.schema)).\(text(ofName: table.name))"
    }

    /// A name as a part of one.
    static func text(ofName name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
        }
        return isPlain ? name : SQLText.listed(name)
    }

    // MARK: Matching

    /// On a mismatch only the last star takes one character more: the earlier ones need not, so
    /// that many stars take no more than pattern times text.
    private static func matches(
        _ pattern: ArraySlice<Element>, in text: ArraySlice<Unicode.Scalar>
    ) -> Bool {
        var (pattern, text) = (pattern, text)
        var afterStar: (pattern: ArraySlice<Element>, text: ArraySlice<Unicode.Scalar>)?
        while let character = text.first {
            if pattern.first == .many {
                pattern = pattern.dropFirst()
                afterStar = (pattern, text)
            } else if pattern.first == .one || pattern.first == .character(character) {
                pattern = pattern.dropFirst()
                text = text.dropFirst()
            } else if let star = afterStar {
                afterStar = (star.pattern, star.text.dropFirst())
                (pattern, text) = (star.pattern, star.text.dropFirst())
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == .many }
    }
}
