import Foundation
import LeatAdmin
import LeatCore
import PGWire

/// What a slot holds, in words.
enum PeekText {
    /// More of a value is only shown in JSON.
    private static let longestValue = 200

    static func subject(_ subject: PeekedChanges.Subject) -> String {
        switch subject {
        case .table(let name): PrintedText.line("\(name)")
        case .messages(let prefix): "messages \"\(PrintedText.line(prefix))\""
        case .otherMessages: "other messages"
        }
    }

    /// `2 inserts, 1 update`.
    static func counts(_ changes: PeekedChanges) -> String {
        PeekedChanges.Operation.allCases.compactMap { operation in
            let count = changes[operation].count
            guard count > 0 else { return nil }
            return "\(count) \(operation)\(count == 1 ? "" : "s")"
        }.joined(separator: ", ")
    }

    static func number(_ count: Int, of noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    static func heading(_ transaction: PeekedTransaction) -> String {
        var words = ["xid \(transaction.xid)", "commit \(transaction.commitLSN)"]
        if !transaction.endLSN.isZero { words.append("end \(transaction.endLSN)") }
        words.append(transaction.commitTime.rfc3339)
        if let origin = transaction.origin { words.append("origin \(PrintedText.line(origin))") }
        return words.joined(separator: "  ")
    }

    // MARK: Values

    static func line(_ change: PeekedChange) -> String {
        switch change.content {
        case .insert(let table, let new):
            "insert \(PrintedText.line("\(table)")): \(columns(new))"
        case .update(let table, let old, let new):
            "update \(PrintedText.line("\(table)")): "
                + (old.isEmpty ? columns(new) : "(\(columns(old))) becomes (\(columns(new)))")
        case .delete(let table, let old):
            "delete \(PrintedText.line("\(table)")): \(columns(old))"
        case .truncate(let tables, let cascade, let restartIdentity):
            "truncate \(tables.map { PrintedText.line("\($0)") }.joined(separator: ", "))"
                + (cascade ? " cascade" : "") + (restartIdentity ? " restart identity" : "")
        case .message(let prefix, let content, let isTransactional):
            "message \"\(PrintedText.line(prefix))\""
                + (isTransactional ? ": " : ", outside of transactions: ") + bytes(content)
        }
    }

    private static func columns(_ columns: [PeekedChange.Column]) -> String {
        columns.map { column in
            let value =
                switch column.value {
                case .null: "NULL"
                case .unchangedTOAST: "(unchanged, not sent)"
                case .text(let text): quoted(text)
                }
            return "\(PrintedText.line(column.name)) = \(value)"
        }.joined(separator: ", ")
    }

    private static func bytes(_ content: [UInt8]) -> String {
        if let text = String(validating: content, as: UTF8.self) { return quoted(text) }
        let hex = content.prefix(longestValue / 2).map { String(format: "%02x", $0) }.joined()
        return "\\x\(hex)\(content.count > longestValue / 2 ? "... (\(content.count) bytes)" : "")"
    }

    private static func quoted(_ text: String) -> String {
        let shown = PrintedText.line(String(text.prefix(longestValue)))
        let rest = text.count > longestValue ? "... (\(text.utf8.count) bytes)" : ""
        let doubled = shown.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined()
        return "'\(doubled)\(rest)'"
    }
}
