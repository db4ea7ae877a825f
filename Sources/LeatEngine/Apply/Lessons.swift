internal import LeatCore

/// What descriptions have taught of columns, and is not stored yet.
///
/// A row that is applied is not sent again, so what it is read by is stored in the transaction that
/// moves the position past it: else the next start would know less than it needs. Before that it is not
/// stored, for the rows before it are read by what was known then.
struct Lessons {
    private struct Lesson {
        /// The first that is read by it; nil until it is known.
        var change: Int?
        var name: TableName
        var columns: KnownColumns
    }

    private var lessons: [Lesson] = []

    var isEmpty: Bool { lessons.isEmpty }

    /// All of it, by the names of tables.
    var columns: [TableName: KnownColumns] { columns(before: .max) }

    /// What the changes before this one of the batch are read by.
    func columns(before change: Int) -> [TableName: KnownColumns] {
        var columns: [TableName: KnownColumns] = [:]
        for lesson in lessons where (lesson.change ?? 0) < change {
            columns[lesson.name] = lesson.columns
        }
        return columns
    }

    mutating func add(_ columns: KnownColumns, of name: TableName) {
        lessons.append(Lesson(change: nil, name: name, columns: columns))
    }

    /// - Parameter change: The first of the batch that is about the description which has just taught;
    ///   not asked for if none has.
    mutating func place(atChange change: () -> Int?) {
        guard lessons.last?.change == nil, !lessons.isEmpty else { return }
        let first = change() ?? .max - 1
        for index in lessons.indices where lessons[index].change == nil {
            lessons[index].change = first
        }
    }

    /// Those of the batch before are read by all that comes now.
    mutating func batchBegan() {
        for index in lessons.indices { lessons[index].change = -1 }
    }

    mutating func removeAll(before change: Int) {
        lessons.removeAll { ($0.change ?? 0) < change }
    }

    mutating func removeAll(from change: Int) {
        lessons.removeAll { ($0.change ?? 0) >= change }
    }
}
