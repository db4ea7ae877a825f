/// A table of histories with DDL, as the source has it after the statements so far.
struct HistoryDDLTable: Sendable {
    struct Column: Sendable, Equatable {
        var name: String
        var type: HistoryDDLType
        var isKey = false
        /// Rows bring no NULL into it.
        var isNotNull = false
        /// Values that are there once only.
        var isUnique = false
        /// Nothing of it may be altered but its name: an expression or a rule has it.
        var isPinned = false
        /// Rows bring no value for it.
        var isComputed = false
        /// Indexes of what the phase has done to its type.
        var retypings: [Int] = []

        var quoted: String { name.contains(" ") ? "\"\(name)\"" : name }
    }

    /// As it was made; its constraints keep that.
    let original: String
    var name: String
    let isPartitioned: Bool
    var columns: [Column]
    var isThere = true
    var hasCheck = true
    var hasWideKey = false
    var isFull = false
    var generated: String?
    var isVirtual = false
    /// Indexes of what the phase has done to types of its columns, also those that are gone.
    var retypings: [Int] = []

    init(_ name: String, isPartitioned: Bool) {
        original = name
        self.name = name
        self.isPartitioned = isPartitioned
        columns = HistoryDDLTable.columns(isPartitioned: isPartitioned)
    }

    private static func columns(isPartitioned: Bool) -> [Column] {
        let all: [Column] = [
            .init(name: "id", type: .integer, isKey: true, isNotNull: true, isUnique: true),
            .init(name: "v", type: .text),
            .init(name: "n", type: .integer, isNotNull: true, isPinned: true),
            .init(name: "u", type: .integer, isUnique: true, isPinned: true),
            .init(name: "f", type: .float), .init(name: "d", type: .time),
            .init(name: "z", type: .zoned), .init(name: "p", type: .integer, isNotNull: true),
            .init(name: "the w", type: .text),
        ]
        return isPartitioned ? all.filter { !["u", "z", "f"].contains($0.name) } : all
    }

    /// As it is at first.
    var ddl: String {
        let list = HistoryDDLTable.columns(isPartitioned: isPartitioned).map { column in
            let rest =
                switch column.name {
                case "id": " constraint \(original)_pkey primary key"
                case "n": " not null constraint \(original)_n check (n > -1000)"
                case "u": " constraint \(original)_u unique"
                case "p": " not null default 7"
                default: ""
                }
            return "\(column.quoted) \(column.type.rawValue)\(rest)"
        }.joined(separator: ", ")
        let table = "create table \(original) (\(list))"
        guard isPartitioned else { return table + ";" }
        return """
            \(table) partition by range (id);
            create table \(original)_1 partition of \(original) for values from (minvalue) to (30);
            create table \(original)_2 partition of \(original) for values from (30) to (maxvalue);
            """
    }

    /// Made again as it was at first.
    mutating func makeAgain() { self = HistoryDDLTable(original, isPartitioned: isPartitioned) }

    var key: Column { columns.first(where: \.isKey) ?? columns[0] }

    /// Indexes of columns that may become others.
    var free: [Int] {
        columns.indices.filter {
            let column = columns[$0]
            return !column.isKey && !column.isPinned && !column.isComputed
        }
    }
}
