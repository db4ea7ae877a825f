import Foundation
import LeatArchive
import LeatTestSupport
import PGWire
import Synchronization
import Testing

/// The file layer: whatever is left of a folder, the next writer goes on, and readers never see
/// what is not stored.
@Suite struct WriterTests {
    @Test("a crash after each step leaves what the next writer goes on from")
    func steps() throws {
        let seed = SeededGenerator.printedSeed()
        let place = try Place()
        defer { place.remove() }
        let batches = try place.batches(seed, 60)
        let whole = Told(batches)
        let left = Mutex<[String]>([])
        let writer = try place.begin { _ in
            left.withLock { $0.append(place.copy("step\($0.count)")) }
        }
        try place.write(batches, writer, storingEvery: 3)
        let crashes = left.withLock { $0 }
        #expect(crashes.count > 15)

        for crash in crashes {
            let folder = ArchiveFolder(crash)
            let stored = try Told(folder)
            #expect(stored.isPrefix(of: whole), "seed \(seed), \(crash)")

            let next = try ArchiveWriter(in: folder, under: WriterLock(folder), segmentBytes: 2000)
            let position = next.position.end
            try place.write(batches.after(position), next, storingEvery: 5)
            #expect(try Told(folder) == whole, "seed \(seed), \(crash)")
        }
    }

    @Test("what stands behind the position, cut at any byte or followed by anything, is dropped")
    func tails() throws {
        let seed = SeededGenerator.printedSeed()
        var generator = SeededGenerator(seed: seed)
        let place = try Place()
        defer { place.remove() }
        let batches = try place.batches(seed, 8)
        let writer = try place.begin(segmentBytes: 1 << 20)
        let half = batches.firstIndex { $0.transactions.last?.isComplete == true }.map { $0 + 1 }
        let first = Array(batches[..<(half ?? 1)])
        try place.write(first, writer, storingEvery: 1)
        let position = writer.position
        let file = place.folder.path(of: position.segment)
        let (stored, positionFile) = (Told(first), try place.folder.position())
        try place.write(Array(batches.dropFirst(first.count)), writer, storingEvery: 1)
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: file)))
        // The old position with the new bytes: a power cut before the position was replaced.
        try Data(positionFile ?? []).write(to: URL(filePath: place.folder.positionPath))

        for count in position.length...bytes.count {
            var tail = Array(bytes[..<count])
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                tail.append(.random(in: 0 ... .max, using: &generator))
            }
            try Data(tail).write(to: URL(filePath: file))

            #expect(try Told(place.folder) == stored, "\(count) bytes, seed \(seed)")
            let path = place.copy("tail")
            let folder = ArchiveFolder(path)
            let next = try ArchiveWriter(in: folder, under: WriterLock(folder))
            #expect(next.position == position)
            #expect(try Told(folder) == stored)
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test("a stored frame that was damaged or lost is not written behind")
    func damage() throws {
        let place = try Place()
        defer { place.remove() }
        let batches = try place.batches(1, 10)
        let writer = try place.begin(segmentBytes: 1 << 20)
        try place.write(batches, writer, storingEvery: 1)
        let file = URL(filePath: place.folder.path(of: writer.position.segment))
        let bytes = try Data(contentsOf: file)
        let length = writer.position.length
        var flipped = bytes
        flipped[length - 5] ^= 1

        for damaged in [Data(bytes.prefix(length - 1)), flipped] {
            try damaged.write(to: file)
            let folder = ArchiveFolder(place.copy("damaged"))
            #expect(throws: ArchiveError.self) {
                try ArchiveWriter(in: folder, under: WriterLock(folder))
            }
            try FileManager.default.removeItem(atPath: folder.path)
        }
    }

    @Test("pieces of a transaction whose end does not come are cut off again")
    func rollBack() throws {
        let place = try Place()
        defer { place.remove() }
        let batches = try place.batches(3, 40)
        let cut = try #require(
            batches.lastIndex { $0.transactions.last?.isComplete == false })
        let writer = try place.begin()
        try place.write(Array(batches[...cut]), writer, storingEvery: 2)

        let stored = try writer.store(writer.position.end)
        try writer.rollBack()
        let told = try Told(place.folder)

        #expect(stored < Told(batches).lastEnd)
        #expect(told.isPrefix(of: Told(batches)))
        // The source sends it again, whole.
        try place.write(batches.after(stored), writer, storingEvery: 1)
        #expect(try Told(place.folder) == Told(batches))
    }

    @Test("one writer at a time; an idle stream moves the position alone")
    func lockAndIdle() throws {
        let place = try Place()
        defer { place.remove() }
        let writer = try place.begin()
        #expect(throws: ArchiveError.self) { try WriterLock(place.folder) }

        let end = try writer.store(5000)

        #expect(end == 5000)
        #expect(try place.folder.storedPosition().end == 5000)
        #expect(try writer.store(4000) == 5000)
    }

    @Test("what is removed is removed from the beginning, and never what a reader needs")
    func retention() throws {
        let segments = (0..<5).map { index in
            Retention.Segment(
                name: SegmentName(LSN(rawValue: UInt64(index) * 100)), bytes: 10,
                age: .seconds(50 - index * 10))
        }
        let all = Retention(bytes: 25)

        #expect(all.decide(segments, readers: [])?.beginning == SegmentName(300))
        #expect(all.decide(segments, readers: [150, 900])?.beginning == SegmentName(100))
        #expect(all.decide(segments, readers: [150])?.heldBy == 150)
        #expect(Retention(bytes: 0).decide(segments, readers: [])?.beginning == SegmentName(400))
        #expect(
            Retention(age: .seconds(35)).decide(segments, readers: [])?.beginning
                == SegmentName(200))
        #expect(
            Retention(bytes: 0, ignoresReaders: true).decide(segments, readers: [0])?.beginning
                == SegmentName(400))
    }

    @Test("segments that are pruned are gone, and the rest is read from its beginning")
    func prune() throws {
        let place = try Place()
        defer { place.remove() }
        let batches = try place.batches(5, 60)
        let writer = try place.begin()
        try place.write(batches, writer, storingEvery: 2)
        let names = try place.folder.segments()
        let beginning = names[names.count / 2]

        try writer.prune(before: beginning)

        #expect(try place.folder.segments().first == beginning)
        #expect(try Told(place.folder) == Told(batches.after(beginning.first)))
        #expect(throws: ArchiveError.self) {
            var reader = try ArchiveReader(place.folder)
            try reader.seek(after: LSN(rawValue: beginning.first.rawValue - 1))
        }
    }

    @Test("a segment that is closed before anything follows can be removed, and gone on from")
    func closing() throws {
        let place = try Place()
        defer { place.remove() }
        let batches = try place.batches(7, 60)
        let half = try #require(
            batches.indices.first { $0 > 30 && batches[$0].transactions.last?.isComplete == true })
        let writer = try place.begin()
        for batch in batches[...half] {
            try writer.append(batch)
            _ = try writer.store(writer.position.end)
            try writer.closeSegment()
        }
        #expect(try Told(place.folder) == Told(Array(batches[...half])))

        let folder = ArchiveFolder(place.copy("closed"))
        let next = try ArchiveWriter(in: folder, under: WriterLock(folder))
        #expect(next.position == writer.position)
        try place.write(Array(batches[(half + 1)...]), next, storingEvery: 3)
        try writer.prune(before: writer.position.segment)

        #expect(try Told(folder) == Told(batches))
        #expect(try place.folder.segments() == [writer.position.segment])
    }

    @Test("a base file gives back what was put in; damage is found")
    func baseFile() throws {
        let place = try Place()
        defer { place.remove() }
        let path = place.path + "/rows.zst"
        let writer = try BaseFileWriter(path)
        var text: [UInt8] = []
        for index in 0..<100_000 {
            let row = Array("\(index)\t\(index &* 2_654_435_761)\n".utf8)
            text += row
            try writer.append(row.span.bytes)
        }
        try writer.finish()

        func read() throws -> ([UInt8], UInt32) {
            let reader = try BaseFileReader(path)
            var read: [UInt8] = []
            while let piece = try reader.next() { read += piece }
            return (read, reader.checksum)
        }

        #expect(try read() == (text, writer.checksum))
        let bytes = try Data(contentsOf: URL(filePath: path))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: path))
        #expect(throws: ArchiveError.self) { try read() }
    }
}

/// A folder that a test writes an archive into.
private final class Place: Sendable {
    let path: String
    let folder: ArchiveFolder

    init() throws {
        // In memory: a crash of the machine is played, not had, and nothing waits for a disk.
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : NSTemporaryDirectory()
        path = parent + "leat-archive-\(UInt64.random(in: 0 ... .max))"
        folder = ArchiveFolder(path + "/archive")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    func batches(_ seed: UInt64, _ transactions: Int) throws -> [Batch] {
        var stream = RandomStream(SeededGenerator(seed: seed), at: 1000)
        return try stream.batches(transactions)
    }

    func begin(
        segmentBytes: Int = 2000, passed: @escaping (ArchiveWriter.Step) -> Void = { _ in }
    ) throws -> ArchiveWriter {
        let lock = try WriterLock(folder)
        try ArchiveWriter.begin(in: folder, under: lock, at: 1000, describing: .sample)
        return try ArchiveWriter(
            in: folder, under: lock, segmentBytes: segmentBytes, passed: passed)
    }

    func write(_ batches: [Batch], _ writer: ArchiveWriter, storingEvery count: Int) throws {
        for (index, batch) in batches.enumerated() {
            try writer.append(batch)
            if index.isMultiple(of: count) { _ = try writer.store(writer.position.end) }
        }
        _ = try writer.store(writer.position.end)
    }

    /// The archive as it is now, without its lock.
    func copy(_ name: String) -> String {
        let copy = path + "/" + name
        try? FileManager.default.copyItem(atPath: folder.path, toPath: copy)
        return copy
    }
}

extension Told {
    fileprivate var lastEnd: LSN {
        lines.last { $0.hasPrefix("end ") }.flatMap { LSN(String($0.dropFirst(4))) } ?? .zero
    }
}

extension [Batch] {
    /// What a source sends to one that has stored `position`: whole transactions behind it, from
    /// their beginnings.
    fileprivate func after(_ position: LSN) -> [Batch] {
        var assembled: [Batch] = []
        var ends: [Bool] = []
        for batch in self {
            for transaction in batch.transactions where transaction.isComplete {
                ends.append(transaction.endLSN > position)
            }
        }
        var number = 0
        for batch in self {
            var kept = Batch()
            kept.relations = batch.relations
            kept.types = batch.types
            for (index, transaction) in batch.transactions.enumerated() {
                let end =
                    index + 1 < batch.transactions.count
                    ? batch.transactions[index + 1].firstChange : batch.changes.count
                if number < ends.count, ends[number] {
                    var moved = transaction
                    moved.firstChange = kept.changes.count
                    kept.transactions.append(moved)
                    kept.changes += batch.changes[transaction.firstChange..<end]
                }
                if transaction.isComplete { number += 1 }
            }
            guard !kept.transactions.isEmpty else { continue }
            kept.bytes = batch.bytes
            kept.columns = batch.columns
            kept.truncates = batch.truncates
            kept.messages = batch.messages
            assembled.append(kept)
        }
        return assembled
    }
}
