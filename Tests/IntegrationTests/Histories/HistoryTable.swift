/// A table of the histories: how it is made, what may happen to it, and what must be equal.
struct HistoryTable: Sendable {
    struct Column: Sendable {
        var name: String
        var values: ValueDomain
        var isNullable = false
        /// False where any update could break a constraint.
        var isUpdated = true

        init(
            _ name: String, _ values: ValueDomain, isNullable: Bool = false, isUpdated: Bool = true
        ) {
            self.name = name
            self.values = values
            self.isNullable = isNullable
            self.isUpdated = isUpdated
        }
    }

    enum Publication: String, Sendable, CaseIterable {
        case main
        /// Partitions in their own names.
        case leaves
        /// `publish = 'insert'`.
        case inserts
        /// Followed by Leat alone, and so judged against the source.
        case exact
    }

    /// What a history may do beyond inserts, updates and deletes of single rows.
    struct Abilities: OptionSet, Sendable {
        let rawValue: Int

        static let upsert = Self(rawValue: 1)
        /// Thousands of rows by `generate_series`; the first column is an integer key.
        static let bulk = Self(rawValue: 2)
        static let truncate = Self(rawValue: 4)
        static let insertOnly = Self(rawValue: 8)
        static let deferredSwap = Self(rawValue: 16)
        /// Identity columns that are GENERATED ALWAYS.
        static let overriding = Self(rawValue: 32)
    }

    /// As SQL writes it.
    var name: String
    var columns: [Column]
    /// Columns of unique constraints and indexes, each an array of one or more; the one that
    /// rows are looked up by comes first. Empty: rows may be there twice.
    var keys: [[String]] = []
    /// Between the parentheses of CREATE TABLE.
    var definition: String
    /// After the parentheses, and further statements.
    var rest = ""
    /// The whole DDL on the targets, where it is another.
    var targetDDL: String?
    var publication = Publication.main
    /// What the publication says behind the name: a column list, a row filter.
    var publishing = ""
    var abilities: Abilities = []
    /// Of a row `v` that is to be inserted.
    var insertCondition: String?
    /// What is compared; all columns, unless the source has more than it sends.
    var judged: [String] = []
    /// The rows that the source sends.
    var filter: String?

    var ddl: String {
        "create table \(name) (\(definition))\(rest.hasPrefix(" ") ? rest : ";\n" + rest);"
    }

    func column(_ name: String) -> Column? { columns.first { $0.name == name } }

    /// A column that is GENERATED ALWAYS AS IDENTITY takes no other value.
    var keysCanMove: Bool { !abilities.contains(.overriding) }

    /// Columns that rows are looked up by.
    var lookup: [String] { keys.first ?? Array(columns.map(\.name).prefix(1)) }
}
