import LeatArchive
import LeatCore
import PGWire

/// One event of a row's life, as `archive log` prints it.
struct RowEntry: Encodable {
    private let event: RowHistory.Event
    /// With --show-values.
    private let showsValues: Bool

    init(_ event: RowHistory.Event, showsValues: Bool) {
        self.event = event
        self.showsValues = showsValues
    }

    func encode(to encoder: any Encoder) throws {
        var head = ChangeHead(of: event.kind.operation, at: event.lsn)
        head.add(xid: event.xid, commitLSN: event.commitLSN, commitTime: event.commitTime)
        head.add(table: event.table)
        try head.encode(to: encoder)
        try Content(event, showsValues: showsValues).encode(to: encoder)
    }

    /// What of it is the log's own.
    private struct Content: Encodable {
        var columns: [String]
        var isPartlyKnown: Bool
        var keyChanged: Bool
        var newKey: [String?]?
        var oldKey: [String?]?
        var values: [String: String?]?

        init(_ event: RowHistory.Event, showsValues: Bool) {
            columns = event.columns
            isPartlyKnown = event.isPartlyKnown
            keyChanged = event.keyChanged
            guard showsValues else { return }
            newKey = event.newKey
            oldKey = event.oldKey
            values = Dictionary(
                event.values.map { ($0.column, $0.value) }, uniquingKeysWith: { _, last in last })
        }
    }

    var line: String {
        var words = [
            "\(event.lsn)", event.commitTime.rfc3339, "xid \(event.xid)", event.kind.rawValue,
        ]
        if !event.columns.isEmpty { words.append(event.columns.joined(separator: ", ")) }
        if event.isPartlyKnown { words.append("(of those that were sent)") }
        guard showsValues else {
            if event.keyChanged { words.append("the key changes") }
            return words.joined(separator: "  ")
        }
        if let key = event.newKey { words.append("key is now \(text(key))") }
        if let key = event.oldKey { words.append("key was \(text(key))") }
        words.append(
            event.values.map { "\($0.column)=\($0.value ?? "NULL")" }.joined(separator: " "))
        return words.joined(separator: "  ")
    }

    private func text(_ key: [String?]) -> String {
        key.map { $0 ?? "NULL" }.joined(separator: ", ")
    }
}

extension RowHistory.Event {
    fileprivate var keyChanged: Bool { newKey != nil || oldKey != nil }
}

extension RowHistory.Event.Kind {
    fileprivate var operation: Change.Kind {
        switch self {
        case .insert: .insert
        case .update: .update
        case .delete: .delete
        case .truncate: .truncate
        }
    }
}
