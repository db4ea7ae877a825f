import LeatTestSupport
import Testing

/// One thing that Leat promises about a kind of table, type or database: rows that are there are
/// copied, then statements are followed, and after each phase both sides hold the same bytes.
///
/// A case has a schema of its own, named by ``schema`` and first in the search path of all its SQL,
/// so that hundreds of cases share a database and one `leat` (``MatrixRun``). What cannot share has
/// a ``home`` of its own, or is refused.
struct Case: Sendable, Identifiable, CustomTestStringConvertible {
    enum Group: String, Sendable, CaseIterable {
        case types, identity, shapes, databases
    }

    /// What happens on the source while `leat` runs, in this order.
    enum Phase: String, Sendable, CaseIterable {
        case insert, update, delete, truncate
    }

    /// A database of its own, for what concerns more than a schema. In its SQL `{db}` stands for
    /// the name of both databases, and a role of that name is dropped at the end.
    struct Home: Sendable {
        /// More of `create database`, for example `encoding 'LATIN1'`.
        var sourceOptions = ""
        var targetOptions = ""
        /// Run last on each side, after the rows, outside of a transaction.
        var sourceSettings = ""
        var targetSettings = ""
        /// Whom Leat connects as.
        var sourceUser = "postgres"
        var targetUser = "postgres"
    }

    /// How Leat stops instead. The target must then hold what it held before.
    struct Refusal: Sendable {
        enum Moment: Sendable, Equatable {
            /// Before anything is created on the source or written to the target.
            case start
            /// When the rows that are there are copied: none of the table's is kept.
            case copy
            /// At this phase's statements; all before is there.
            case phase(Phase)
        }

        var moment: Moment
        var exitCode: Int32
        /// All of them are in the log.
        var words: [String]
        /// What Leat tells to do: run on the target, after which the stream goes on to the end.
        var mend: String?
        /// Words that must be nowhere: values.
        var secrets: [String] = []

        var summary: String { "exit code \(exitCode): \(words.joined(separator: " … "))" }

        static func start(_ exitCode: Int32, _ words: String...) -> Refusal {
            Refusal(moment: .start, exitCode: exitCode, words: words)
        }
    }

    typealias Places = @Sendable (Pair.Versions) -> String?

    var group: Group
    var name: String
    /// SQL for both sides, unless the target has its own.
    var setup: String
    var targetSetup: String?
    /// On the source before the copy.
    var rows = ""
    /// On the source while the stream flows, by phase. Each statement is a transaction of its own
    /// unless it says otherwise.
    var insert = ""
    var update = ""
    var delete = ""
    var truncate = ""
    /// Queries that must answer the same on both sides, ordered. Empty: all rows of all tables of
    /// the schema, as text and in binary form.
    var compare: [String] = []
    var home: Home?
    /// Whether other cases must not be in its database.
    var isAlone = false
    /// More options of `leat sync`; only with a home.
    var options: [String] = []
    /// Why it is not run between these versions; nil: it is.
    var skipped: Places = { _ in nil }
    /// Why Leat refuses binary form between these versions; nil: it takes it.
    var textOnly: Places = { _ in nil }
    /// How Leat refuses the case between these versions; nil: it takes it.
    var refusal: @Sendable (Pair.Versions) -> Refusal? = { _ in nil }

    var testDescription: String { name }

    /// The same as ``schema``.
    var id: String { schema }

    /// Of its own, and a plain name: cases quote nothing for it.
    var schema: String {
        let plain = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return String("\(group.rawValue)_\(String(plain))".prefix(63))
    }

    /// The same with changes.
    func with(_ change: (inout Case) -> Void) -> Case {
        var copy = self
        change(&copy)
        return copy
    }

    func statements(of phase: Phase) -> String {
        switch phase {
        case .insert: insert
        case .update: update
        case .delete: delete
        case .truncate: truncate
        }
    }
}

extension Case {
    /// The rest of the distribution's extensions come with 15 alone here.
    static let contrib: Places = { versions in
        versions.source == .v15 && versions.target == .v15
            ? nil : "the extension is installed for 15 only"
    }

    /// `vector` comes with the other two.
    static let vector: Places = { versions in
        versions.source != .v15 && versions.target != .v15
            ? nil : "the extension is installed for 16 and 18 only"
    }

    static func from(_ version: PostgresVersion) -> Places {
        { versions in
            min(versions.source.rawValue, versions.target.rawValue) >= version.rawValue
                ? nil : "needs \(version) or newer on both sides"
        }
    }
}
