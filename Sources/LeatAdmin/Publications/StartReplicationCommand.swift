/// What a walsender was asked to send, as `pg_stat_activity.query` shows it: the only place where
/// a server tells which publications a consumer reads, and only while that is connected.
public struct StartReplicationCommand: Sendable, Equatable {
    public var slot: String
    public var publications: [String]

    /// Nil for another command, one without publications, or one that was cut off within them at
    /// `track_activity_query_size`.
    public init?(_ query: String) {
        var scanner = Scanner(text: Array(query.unicodeScalars))
        guard scanner.take(word: "START_REPLICATION"), scanner.take(word: "SLOT"),
            let slot = scanner.name(), scanner.skip(past: "(")
        else { return nil }
        while let option = scanner.name() {
            let value = scanner.literal()
            if option == "publication_names" {
                guard let value, let names = StartReplicationCommand.names(value) else {
                    return nil
                }
                (self.slot, publications) = (slot, names)
                return
            }
            guard scanner.take(",") else { return nil }
        }
        return nil
    }

    /// A list of identifiers as `SplitIdentifierString` of the server reads it.
    private static func names(_ list: String) -> [String]? {
        var scanner = Scanner(text: Array(list.unicodeScalars))
        var names: [String] = []
        repeat {
            guard let name = scanner.name() else { return nil }
            names.append(name)
        } while scanner.take(",")
        return scanner.isAtEnd ? names : nil
    }

    /// Reads words, names and constants, with white space before each.
    private struct Scanner {
        let text: [Unicode.Scalar]
        private var place = 0

        init(text: [Unicode.Scalar]) {
            self.text = text
        }

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return place == text.count
            }
        }

        mutating func take(_ mark: Unicode.Scalar) -> Bool {
            skipSpace()
            guard place < text.count, text[place] == mark else { return false }
            place += 1
            return true
        }

        mutating func take(word: String) -> Bool {
            name()?.uppercased() == word
        }

        mutating func skip(past mark: Unicode.Scalar) -> Bool {
            guard let found = text[place...].firstIndex(of: mark) else { return false }
            place = found + 1
            return true
        }

        /// Quoted or not; the latter becomes lower case.
        mutating func name() -> String? {
            skipSpace()
            guard place < text.count else { return nil }
            if text[place] == "\"" { return quoted("\"") }
            let start = place
            while place < text.count, !" ,()'\"\t\n".unicodeScalars.contains(text[place]) {
                place += 1
            }
            return place == start ? nil : string(text[start..<place]).lowercased()
        }

        mutating func literal() -> String? {
            skipSpace()
            guard place < text.count, text[place] == "'" else { return nil }
            return quoted("'")
        }

        /// Nil if the end is missing.
        private mutating func quoted(_ mark: Unicode.Scalar) -> String? {
            var content: [Unicode.Scalar] = []
            var next = place + 1
            while next < text.count {
                guard text[next] == mark else {
                    content.append(text[next])
                    next += 1
                    continue
                }
                guard next + 1 < text.count, text[next + 1] == mark else {
                    place = next + 1
                    return string(content[...])
                }
                content.append(mark)
                next += 2
            }
            return nil
        }

        private mutating func skipSpace() {
            while place < text.count, " \t\n".unicodeScalars.contains(text[place]) { place += 1 }
        }

        private func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            return String(view)
        }
    }
}
