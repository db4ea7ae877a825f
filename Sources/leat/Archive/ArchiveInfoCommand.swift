import ArgumentParser
import LeatArchive
import LeatCore
import PGWire

struct ArchiveInfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show what an archive is of, how far it goes, and its tables.")

    @OptionGroup var view: ArchiveViewOptions

    func run() async throws { try await view.show(ArchiveInfo.self) }
}

/// What `archive info` prints.
struct ArchiveInfo: ArchiveView {
    struct Table: Encodable {
        var name: String
        var columns: Int
        var key: [String]
        var replicaIdentity: String
    }

    var archive: String
    var stream: String
    var systemIdentifier: String
    var timeline: UInt32
    var database: String
    var serverVersion: String
    var encoding: String
    var publications: [String]
    var beginning: String
    var position: String
    var firstCommit: String?
    var lastCommit: String?
    var segments: Int
    var bytes: Int
    var contentBytes: Int
    var transactions: Int
    var changes: Int
    var bases: [String]
    var partitionChanges: [String]
    var doubts: [ArchiveDoubtText]
    var tables: [Table]

    init(_ inventory: ArchiveInventory) {
        let description = inventory.description
        archive = "\(description.archive)"
        stream = description.stream
        systemIdentifier = description.systemIdentifier
        timeline = description.timeline
        database = description.database
        serverVersion =
            "\(description.serverVersion / 10_000).\(description.serverVersion % 10_000)"
        encoding = description.encoding
        publications = description.publications.map(\.name)
        beginning = "\(inventory.position.beginning.first)"
        position = "\(inventory.position.end)"
        firstCommit = inventory.segments.lazy.compactMap(\.firstCommit).first?.rfc3339
        lastCommit = inventory.segments.lazy.reversed().compactMap(\.lastCommit).first?.rfc3339
        segments = inventory.segments.count
        bytes = inventory.segments.reduce(0) { $0 + $1.bytes }
        contentBytes = inventory.segments.reduce(0) { $0 + $1.contentBytes }
        transactions = inventory.segments.reduce(0) { $0 + $1.transactions }
        changes = inventory.segments.reduce(0) { $0 + $1.changes }
        bases = inventory.bases.map(\.point)
        partitionChanges = inventory.partitionChanges
        doubts = inventory.doubts.map { ArchiveDoubtText($0) }
        tables = description.catalog.tables.map { table in
            Table(
                name: "\(table.schema).\(table.name)", columns: table.columns.count,
                key: table.columns.filter(\.isKey).map(\.name),
                replicaIdentity: table.replicaIdentity)
        }.sorted { $0.name < $1.name }
    }

    var lines: [String] {
        var facts = [
            ["archive", "\(archive), stream \(stream)"],
            ["source", "database \(database) of system \(systemIdentifier), timeline \(timeline)"],
            ["server", "PostgreSQL \(serverVersion), text in \(encoding)"],
            ["publications", publications.joined(separator: ", ")],
            ["positions", "\(beginning) to \(position)"],
            ["commits", "\(firstCommit ?? "-") to \(lastCommit ?? "-")"],
            ["content", "\(transactions) transactions, \(changes) changes"],
            [
                "size",
                "\(Units.bytes(UInt64(bytes))) in \(segments) segments, of "
                    + Units.bytes(UInt64(contentBytes)),
            ],
            ["bases", bases.isEmpty ? "none" : bases.joined(separator: ", ")],
            ["tables", "\(tables.count)"],
        ]
        if !partitionChanges.isEmpty {
            facts.insert(
                [
                    "partitions",
                    "not sent; record a new base: \(partitionChanges.joined(separator: ", "))",
                ], at: facts.count - 1)
        }
        facts.insert(contentsOf: doubts.map { ["doubtful", $0.text] }, at: facts.count - 1)
        let rows = tables.map { table in
            [
                "",
                "\(table.name)  \(table.columns) columns, key \(table.key.joined(separator: ", "))",
            ]
        }
        return Columns.lines(facts + rows)
    }
}
