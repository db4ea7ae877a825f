internal import LeatCore
internal import PGWire

/// The tables and message prefixes met in a stream, each with a small number to count under.
struct PeekSubjects: Sendable {
    /// As many prefixes are told apart: they may be made of data.
    static let mostPrefixes = 200

    private(set) var all: [PeekedChanges.Subject] = []
    private var numbers: [PeekedChanges.Subject: Int] = [:]
    private var prefixes = 0
    private let tables: [TablePattern]

    /// - Parameter tables: Those that are looked for; empty for all, and messages too.
    init(tables: [TablePattern]) {
        self.tables = tables
    }

    /// Nil for a table that is not looked for.
    mutating func number(of relation: Relation) -> Int? {
        let name = TableName(relation)
        guard tables.isEmpty || tables.contains(where: { $0.matches(name) }) else { return nil }
        return number(of: .table(name))
    }

    mutating func number(ofPrefix prefix: String) -> Int? {
        guard tables.isEmpty else { return nil }
        let subject = PeekedChanges.Subject.messages(prefix: prefix)
        if let known = numbers[subject] { return known }
        guard prefixes < PeekSubjects.mostPrefixes else { return number(of: .otherMessages) }
        prefixes += 1
        return number(of: subject)
    }

    private mutating func number(of subject: PeekedChanges.Subject) -> Int {
        if let known = numbers[subject] { return known }
        numbers[subject] = all.count
        all.append(subject)
        return all.count - 1
    }
}

/// Counts the changes of one whole transaction.
struct WholeChanges: Sendable {
    private(set) var changes: [PeekedChanges] = []
    /// By number of the subject: its place in ``changes``.
    private var places: [Int: Int] = [:]
    private var last: (subject: Int, place: Int)?

    mutating func add(
        _ subject: Int, operation: PeekedChanges.Operation, tally: ChangeTally,
        of subjects: PeekSubjects
    ) {
        changes[place(of: subject, among: subjects)][operation] += tally
    }

    private mutating func place(of subject: Int, among subjects: PeekSubjects) -> Int {
        if let last, last.subject == subject { return last.place }
        let place = places[subject] ?? changes.count
        if place == changes.count {
            places[subject] = place
            changes.append(PeekedChanges(subjects.all[subject]))
        }
        last = (subject, place)
        return place
    }

    /// Hands the changes over and begins anew.
    mutating func take() -> [PeekedChanges] {
        defer {
            changes = []
            places.removeAll(keepingCapacity: true)
            last = nil
        }
        return changes
    }
}
