import Foundation
import Testing

/// `Docs/reference/ddl.md` against the tests: by row of its tables, the tests that show it.
@Suite("The page of DDL")
struct DDLPageTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static let shown: [String: [String]] = [
        // Tables
        "`set unlogged` and `set logged` again":
            [
                "a table of all tables is unlogged for a while",
                "a partition is unlogged for a while",
                "are not suspected where nothing has changed",
            ],
        "dropped and made again under its name": [
            "a column is dropped and made again",
            "a column is dropped and made again with a default, by two statements",
            "a new default in a column dropped and added on both sides",
        ],
        "values changed by `alter column ... type ... using` under the same type": [
            "values are changed under the same type", "numbers are changed under the same type",
        ],
        "a generated column whose values are not sent: added, or its expression changed": [
            "a generated column that is another one on the target is told, with the statement"
        ],
        "renamed, moved to another schema": [
            "stops a stream that flows at the first change under the new name, and goes on there",
            "while Leat is down stops the start; changes under the old name follow the table",
            "a schema that the target lacks is made first",
        ],
        "two tables swap their names": [
            "with another one, each taking the other's name, mixes no rows"
        ],
        "dropped and made again": [
            "dropped and made again is another table: never mixed, copied anew with --truncate"
        ],
        "made, while a publication takes it in": [
            "includes tables made while the stream flows, from the next start, without loss"
        ],
        // Columns
        "added": [
            "a column is added",
            "a column is added with a constant default, which fills the rows that are there",
            "a column of a new enum, a new domain and a new composite type is added",
            "a default that is not constant cannot be made up for, which is said",
        ],
        "added on the target first": [
            "needs no stop if the target was altered first, while older changes are still to come"
        ],
        "dropped": [
            "but a column dropped on the source does not",
            "a table that is taken out, or dropped, is warned of and followed no longer",
            "a table that is dropped after its last changes takes part in their transactions",
        ],
        "renamed": [
            "one that is renamed stops the stream there, and goes on under its new name with nothing lost",
            "one that is renamed while Leat is down is read under both names",
            "a column is renamed", "two columns of one type swap their names",
            "a column takes the name of one that is dropped", "the identity's column is renamed",
        ],
        "type changed, without a rewrite, to one that the target's column holds exactly": [
            "a column's type is widened"
        ],
        "type changed with a rewrite, or to one that the target's column does not hold": [
            "a time becomes a date", "a text is cut",
            "a column's type is widened", "a column's type becomes larger",
            "a column's type becomes another one",
        ],
        "default, storage, statistics; a check, a foreign key or another rule that is added": [
            "defaults and constraints"
        ],
        "a rule loosened: NOT NULL, a check, a unique constraint or index, a primary key, an exclusion constraint or a foreign key dropped, or made wider or deferrable":
            [
                "stops with the statement that gives it up on the target too, and goes on without loss",
                "a foreign key too, where the role checks them; in a stream that flows, by a spool",
                "in the copy of a table as well, and from an archive, which does not know",
            ],
        "replica identity or primary key changed": [
            "identity full", "identity by index", "another primary key",
        ],
        "replica identity NOTHING": [
            "no identity any more: inserts go on, the source refuses the rest itself"
        ],
        "rewritten (VACUUM FULL, CLUSTER)": ["a rewrite by vacuum full"],
        // Types
        "enum value added": ["an enum gets values, in the middle and at its end"],
        "enum value renamed": ["a value of an enum takes another name, and one is added"],
        "a domain's constraint or NOT NULL dropped": [
            "stops with the statement that gives it up on the target too, and goes on without loss"
        ],
        "enum or composite type renamed": ["an enum is renamed"],
        "composite type's fields changed": [
            "a composite type gets a field, which is named at the next start"
        ],
        "type dropped while its values are still in the WAL": [
            "a type that was dropped since: its values are still right",
            "a type that was dropped since and that the target lacks, or cannot compare, stops once",
        ],
        // Partitions
        "`create table ... partition of`, or an empty table attached": [
            "those that begin empty are silent, however they were made and whatever came into them"
        ],
        "the target lacks the partition": [
            "one that the target lacks stops at its first row, with the statement that makes it"
        ],
        "a table with rows attached": [
            "one that brings rows is warned of, shown until the table is copied anew, and not forgotten",
            "one that is made, filled and attached by one transaction is noticed too",
        ],
        "a partition detached or dropped": [
            "those detached and dropped while Leat was down are noticed at its start"
        ],
        "`truncate` of one partition": [
            "a truncate of one alone is not sent by way of the root, and noticed; one of the root is"
        ],
        // Publications
        "dropped, or dropped and made again": [
            "a dropped one ends the stream, made again or not",
            "with a publication that was dropped and made again",
        ],
        "renamed and renamed back": [
            "one that was renamed and renamed back never leaves half a transaction, and its tables are copied anew",
            "one that was renamed and renamed back ends the stream before 18 too, with a way on",
        ],
        "the last table taken out, or an empty publication": [
            "an empty one is followed, which is said, also when its last table has left it"
        ],
        "options changed and changed back": ["the kinds of changes, and back"],
        "`publish_generated_columns` changed": [
            "generated columns that are sent no more are noticed"
        ],
        "another owner": ["another owner, and tables added, are no gap"],
        "a table taken out": [
            "a table that left the publication and is renamed is given up",
            "a table that is taken out, or dropped, is warned of and followed no longer",
        ],
        "a table taken out and put back, or its column list or row filter changed": [
            "a table is taken out and put back", "a column list", "a row filter",
        ],
        "`publish` changed to less": ["the kinds of changes"],
        "`publish` changed to more": [
            "more kinds of changes go on, and what was not sent before is named"
        ],
        "`publish` leaves kinds of changes out from the beginning": [
            "one that sends inserts only goes on, and says what it leaves out"
        ],
        "`publish_via_partition_root` changed": ["publish_via_partition_root"],
        "two publications with different column lists for one table": [
            "two with different columns of a table are refused, and end a stream with a sentence"
        ],
        "a table moved into another published schema (`for tables in schema`), or out of one and back":
            [
                "a table that moves from one published schema into another counts as put back",
                "a table that left a published schema and came back is copied anew",
            ],
    ]

    @Test("every row is shown by tests, and every such test is there")
    func rows() throws {
        let page = try String(
            contentsOf: Self.root.appending(path: "Docs/reference/ddl.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| ") }
            .map { $0.split(separator: "|")[0].trimmingCharacters(in: .whitespaces) }
            .filter { $0 != "on the source" }
        let tests = try Self.texts().joined(separator: "\n")

        #expect(Set(rows) == Set(Self.shown.keys))
        for name in Self.shown.values.joined() where !tests.contains("\"\(name)\"") {
            Issue.record("no test \"\(name)\"")
        }
    }

    /// Of all test files but this one.
    private static func texts() throws -> [String] {
        let files = try #require(
            FileManager.default.enumerator(
                at: root.appending(path: "Tests"), includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }
            .filter { $0.pathExtension == "swift" && $0.lastPathComponent != "DDLPageTests.swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }
    }
}
