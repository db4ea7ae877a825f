import ArgumentParser
import LeatCore
import LeatAdmin
import Logging
import PGClient

struct PublicationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publication",
        abstract: "Publications of any source, with or without a stream.",
        subcommands: [
            PublicationListCommand.self, PublicationCreateCommand.self,
            PublicationAlterCommand.self, PublicationDropCommand.self,
        ])
}

/// Options that say which tables, columns and rows are published.
enum PublicationOptions {
    static let tableForm = "schema.table with * and ?; repeatable, or with commas"

    /// `table=column,column`; no columns: all.
    static func columns(_ texts: [String]) throws(Halt) -> [(table: TableName, columns: [String])] {
        var result: [(table: TableName, columns: [String])] = []
        for text in texts {
            let (table, list) = try pair(
                text, option: "--columns", example: "public.orders=id,total")
            let columns = list.split(separator: ",").map { String($0).trimmed }
            result.append((table, columns.filter { !$0.isEmpty }))
        }
        return result
    }

    /// `table=condition`; an empty one: all rows.
    static func filters(_ texts: [String]) throws(Halt) -> [(table: TableName, filter: String)] {
        var result: [(table: TableName, filter: String)] = []
        for text in texts {
            let (table, filter) = try pair(
                text, option: "--where", example: "\"public.orders=total > 0\"")
            result.append((table, filter.trimmed))
        }
        return result
    }

    private static func pair(
        _ text: String, option: String, example: String
    ) throws(Halt) -> (TableName, String) {
        guard let end = endOfName(text),
            let table = TablePattern(String(text.unicodeScalars[..<end]))?.tableName
        else {
            throw Halt(
                .configuration, "\(option) \"\(text)\" names no table and what is for it.",
                advice: "For example: \(option) \(example)")
        }
        return (table, String(text.unicodeScalars[end...].dropFirst()))
    }

    /// The first `=` that is in no double quotes.
    private static func endOfName(_ text: String) -> String.Index? {
        var isQuoted = false
        let scalars = text.unicodeScalars
        return scalars.indices.first { index in
            if scalars[index] == "\"" { isQuoted.toggle() }
            return scalars[index] == "=" && !isQuoted
        }
    }

    static func operations(_ text: String?) throws(Halt) -> [PublishedOperation]? {
        guard let text else { return nil }
        var operations: [PublishedOperation] = []
        for word in text.split(separator: ",") {
            guard let operation = PublishedOperation(rawValue: String(word).trimmed) else {
                throw Halt(
                    .configuration, "--publish \"\(word)\" is no kind of change.",
                    advice: "Name some of insert, update, delete, truncate, with commas.")
            }
            if !operations.contains(operation) { operations.append(operation) }
        }
        guard !operations.isEmpty else {
            throw Halt(.configuration, "--publish names no kind of change.")
        }
        return operations
    }

    static func names(_ texts: [String]) -> [String] {
        texts.flatMap { $0.split(separator: ",").map { String($0).trimmed } }
    }

    static func target(_ target: TargetOption, logger: Logger) throws(Halt) -> Conninfo? {
        target.isGiven ? try target.conninfo(logger) : nil
    }
}

extension String {
    fileprivate var trimmed: String {
        var view = self[...].drop { $0 == " " }
        while view.last == " " { view.removeLast() }
        return String(view)
    }
}

/// What is said of a change that was made, or would be.
enum PublicationOutcome {
    /// - Parameter isDryRun: The statements are what was asked for.
    static func show(
        _ outcome: PublicationEditor.Outcome, isDryRun: Bool, done: String, nothing: String,
        logger: Logger
    ) {
        for warning in outcome.warnings { logger.warning("the source says: \(warning)") }
        if isDryRun {
            let text = outcome.statements
            if text.isEmpty { return print("-- \(nothing)") }
            let inTransaction = text.count > 1 ? ["begin;"] + text + ["commit;"] : text
            print(inTransaction.joined(separator: "\n"))
        } else {
            print(lines: [outcome.isDone ? done : nothing])
        }
    }
}
