import ArgumentParser
import LeatArchive
import LeatCore
import PGWire

struct ArchiveListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show an archive's segments, bases and readers.")

    @OptionGroup var view: ArchiveViewOptions

    func run() async throws { try await view.show(ArchiveListing.self) }
}

/// What `archive list` prints.
struct ArchiveListing: ArchiveView {
    struct Segment: Encodable {
        var name: String
        var from: String
        var to: String
        var bytes: Int
        var frames: Int
        var transactions: Int
        var changes: Int
        var firstCommit: String?
        var lastCommit: String?
    }

    struct Base: Encodable {
        var point: String
        var tables: Int
        var rows: Int
        var bytes: Int
        var hasSchema: Bool
        var finishedAt: String
    }

    struct Reader: Encodable {
        var name: String
        var position: String?
        var updatedAt: String
    }

    var beginning: String
    var position: String
    var segments: [Segment]
    var bases: [Base]
    var readers: [Reader]

    init(_ inventory: ArchiveInventory) {
        beginning = "\(inventory.position.beginning.first)"
        position = "\(inventory.position.end)"
        segments = inventory.segments.map { segment in
            Segment(
                name: segment.name.fileName, from: "\(segment.name.first)", to: "\(segment.end)",
                bytes: segment.bytes, frames: segment.frames, transactions: segment.transactions,
                changes: segment.changes, firstCommit: segment.firstCommit?.rfc3339,
                lastCommit: segment.lastCommit?.rfc3339)
        }
        bases = inventory.bases.map { base in
            Base(
                point: base.point, tables: base.tables.count,
                rows: base.tables.reduce(0) { $0 + $1.rows },
                bytes: base.tables.reduce(0) { $0 + $1.bytes }, hasSchema: base.schemaFile != nil,
                finishedAt: TimeText.seconds(base.finishedAt))
        }
        readers = inventory.readers.map { reader in
            Reader(
                name: reader.name, position: reader.end.map { "\($0)" },
                updatedAt: TimeText.seconds(reader.updated))
        }
    }

    var lines: [String] {
        var rows = [["segment", "from", "to", "size", "transactions", "changes", "first commit"]]
        rows += segments.map { segment in
            [
                segment.name, segment.from, segment.to, Units.bytes(UInt64(segment.bytes)),
                "\(segment.transactions)", "\(segment.changes)",
                segment.firstCommit.map { String($0.prefix(19)) + "Z" } ?? "-",
            ]
        }
        var lines = Columns.lines(rows, right: [3, 4, 5])
        lines.append("stored up to \(position)")
        if bases.isEmpty { lines.append("no base") }
        for base in bases {
            lines.append(
                "base \(base.point)  \(base.tables) tables, \(base.rows) rows, "
                    + "\(Units.bytes(UInt64(base.bytes)))\(base.hasSchema ? ", schema" : "")"
                    + "  finished \(base.finishedAt)")
        }
        for reader in readers {
            lines.append(
                "reader \(reader.name)  at \(reader.position ?? "?")  \(reader.updatedAt)")
        }
        return lines
    }
}
