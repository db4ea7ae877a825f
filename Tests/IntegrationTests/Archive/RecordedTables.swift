import Foundation
import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire

/// The rows that a base and the changes behind it lead to: a replay into memory, to be compared
/// with what SQL says of the source.
struct RecordedTables {
    /// By table, then by the first column, which is the key.
    private(set) var rows: [String: [String: [String?]]] = [:]
    private(set) var messages: [String] = []
    private(set) var transactions = 0
    private(set) var ends: [LSN] = []

    /// - Parameter hasBase: Begins with the newest base; otherwise with nothing.
    init(_ path: String, fromBase hasBase: Bool = false) throws {
        let folder = ArchiveFolder(path)
        var start = try folder.storedPosition().beginning.first
        if hasBase, let base = try folder.bases().last {
            for table in base.tables { try load(table, folder.basePath(base.lsn)) }
            start = base.lsn
        }
        var reader = try ArchiveReader(folder)
        try reader.seek(after: start)
        var decoder = BatchDecoder(position: start)
        while let item = try reader.next() {
            guard case .frame(let frame) = item, frame.header.kind == .changes else { continue }
            try take(try decoder.batch(of: frame))
        }
    }

    private mutating func load(_ table: BaseManifest.Table, _ folder: String) throws {
        let reader = try BaseFileReader(folder + "/" + table.file)
        var text: [UInt8] = []
        while let piece = try reader.next() { text += piece }
        guard reader.checksum == table.crc32c else { throw TestSupportError("another checksum") }
        var count = 0
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let row = line.split(separator: "\t", omittingEmptySubsequences: false).map {
                $0 == "\\N" ? nil : String($0)
            }
            rows[table.name, default: [:]][row[0] ?? ""] = row
            count += 1
        }
        guard count == table.rows else { throw TestSupportError("another count of rows") }
    }

    private mutating func take(_ batch: Batch) throws {
        for change in batch.changes { try take(change, batch) }
        for transaction in batch.transactions where transaction.isComplete {
            guard transaction.endLSN > ends.last ?? .zero else {
                throw TestSupportError("a transaction twice, or out of order")
            }
            ends.append(transaction.endLSN)
            transactions += 1
        }
    }

    private mutating func take(_ change: Change, _ batch: Batch) throws {
        switch change.kind {
        case .message:
            let message = batch.messages[Int(change.relation)]
            messages.append(String(decoding: batch.bytes[message.contentRange], as: UTF8.self))
        case .truncate:
            for index in batch.truncates[Int(change.relation)].relations {
                rows[batch.relations[Int(index)].name] = [:]
            }
        case .insert, .update, .delete:
            let name = batch.relations[Int(change.relation)].name
            let old = values(change.old, batch)
            let new = values(change.new, batch)
            let key = (change.oldKind == .none ? new : old).first.flatMap { $0.value } ?? ""
            let before = rows[name, default: [:]].removeValue(forKey: key)
            guard (before == nil) == (change.kind == .insert) else {
                throw TestSupportError("\(change.kind) at \(change.lsn) does not fit")
            }
            guard change.kind != .delete else { return }
            let row = new.enumerated().map { index, column in
                column.isUnchanged ? before?[index] : column.value
            }
            rows[name, default: [:]][row.first.flatMap { $0 } ?? ""] = row
        }
    }

    private func values(
        _ tuple: Tuple, _ batch: Batch
    ) -> [(value: String?, isUnchanged: Bool)] {
        batch.columns(of: tuple).map { (batch.text(of: $0), $0.kind == .unchangedTOAST) }
    }

    /// A table's rows, in an order of their own.
    func sorted(_ table: String) -> [[String?]] {
        (rows[table] ?? [:]).values.sorted { ($0[0] ?? "") < ($1[0] ?? "") }
    }
}

extension Pair {
    var archive: String { "\(LeatProcess.folder)/archive-\(database)" }

    var recording: [String] {
        [
            "record", "--source", source.conninfo(database: database), "--stream", stream,
            "--state-dir", stateDirectory, "--archive", archive, "--status-interval", "200ms",
        ]
    }

    /// Records up to this moment, and ends.
    func record(_ options: String...) async throws -> Outcome {
        try await leat(recording + ["--endpos", "now"] + options)
    }

    /// What SQL says of a table, in the order of ``RecordedTables/sorted(_:)``.
    func rows(_ table: String) async throws -> [[String?]] {
        try await onSource("select * from \(table)")
            .sorted { ($0[0] ?? "") < ($1[0] ?? "") }
    }
}
