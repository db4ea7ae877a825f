@testable import LeatArchive
import LeatTestSupport
import PGWire
import Testing

/// Whatever is done to the bytes: it is found, and nothing that is told before is wrong.
@Suite struct DamageTests {
    fileprivate struct Sample {
        var writer: MemoryWriter
        var truth: Told
        var archive: MemoryArchive { writer.archive }

        init(seed: UInt64) throws {
            var stream = RandomStream(SeededGenerator(seed: seed), at: 1000)
            let (writer, batches) = try ArchiveSample.writing(
                &stream, transactions: 25, archive: seed)
            (self.writer, truth) = (writer, Told(batches))
        }

        func expectFound(_ damaged: MemoryArchive, _ what: @autoclosure () -> String) {
            let (told, error) = Told.reading(damaged)
            #expect(error != nil, "not found: \(what())")
            #expect(told.isPrefix(of: truth), "wrong: \(what())")
        }
    }

    @Test("a flipped bit, a changed byte, a lost or doubled one")
    func bytes() throws {
        let seed = SeededGenerator.printedSeed()
        var generator = SeededGenerator(seed: seed)
        for round in 0..<12 {
            let sample = try Sample(seed: seed &+ UInt64(round))
            for _ in 0..<250 {
                var damaged = sample.archive
                let name = try #require(damaged.names.randomElement(using: &generator))
                var bytes = try #require(damaged.files[name])
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                let kind = Int.random(in: 0..<4, using: &generator)
                switch kind {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes[index] &+= UInt8.random(in: 1...255, using: &generator)
                case 2: bytes.remove(at: index)
                default: bytes.insert(bytes[index], at: index)
                }
                damaged.files[name] = bytes
                // One that is doubled at the very end stands behind the position.
                if kind == 3, (try? Told(damaged)) == sample.truth {
                    #expect(name == damaged.names.last && index == bytes.count - 2)
                    continue
                }
                sample.expectFound(damaged, "kind \(kind) at \(index) of \(name), seed \(seed)")
            }
        }
    }

    @Test("a segment that ends early, at any byte")
    func truncations() throws {
        let sample = try Sample(seed: SeededGenerator.printedSeed())
        for name in sample.archive.names {
            let bytes = try #require(sample.archive.files[name])
            for count in 0..<bytes.count {
                var damaged = sample.archive
                damaged.files[name] = Array(bytes.prefix(count))
                sample.expectFound(damaged, "\(count) bytes of \(name)")
            }
        }
    }

    @Test("frames that are gone, doubled, or have changed places")
    func frames() throws {
        let seed = SeededGenerator.printedSeed()
        var generator = SeededGenerator(seed: seed)
        for round in 0..<10 {
            let sample = try Sample(seed: seed &+ UInt64(round))
            for index in sample.writer.frames.indices {
                sample.expectFound(sample.without(index), "frame \(index) gone, seed \(seed)")
                // The last one's double stands behind the position.
                guard index < sample.writer.frames.count - 1 else { continue }
                sample.expectFound(sample.doubling(index), "frame \(index) twice, seed \(seed)")
            }
            for _ in 0..<20 {
                let first = Int.random(in: 0..<sample.writer.frames.count, using: &generator)
                let second = Int.random(in: 0..<sample.writer.frames.count, using: &generator)
                guard first != second else { continue }
                sample.expectFound(
                    sample.swapping(first, second), "frames \(first), \(second), seed \(seed)")
            }
        }
    }

    @Test("segments that are gone, or another archive's, or under another's name")
    func segments() throws {
        let seed = SeededGenerator.printedSeed()
        for round in 0..<8 {
            let sample = try Sample(seed: seed &+ UInt64(round))
            let foreign = try Sample(seed: seed &+ UInt64(round) &+ 1000)
            for name in sample.archive.names {
                var damaged = sample.archive
                damaged.files[name] = nil
                sample.expectFound(damaged, "\(name) gone")

                for other in foreign.archive.names + sample.archive.names where other != name {
                    damaged.files[name] =
                        foreign.archive.files[other] ?? sample.archive.files[other]
                    sample.expectFound(damaged, "\(other) as \(name)")
                }
                // Of another archive that begins at the same place.
                guard let same = foreign.archive.files[name] else { continue }
                damaged.files[name] = same
                sample.expectFound(damaged, "another archive's \(name)")
            }
        }
    }

    @Test("a position that was changed, lost, or speaks of another archive")
    func positions() throws {
        let seed = SeededGenerator.printedSeed()
        let (sample, foreign) = (try Sample(seed: seed), try Sample(seed: seed &+ 1))
        let bytes = try #require(sample.archive.positionFile)
        var damaged = sample.archive

        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                damaged.positionFile = flipped
                sample.expectFound(damaged, "bit \(bit) of byte \(index)")
            }
            damaged.positionFile = Array(bytes.prefix(index))
            sample.expectFound(damaged, "the first \(index) bytes")
        }
        damaged.positionFile = nil
        sample.expectFound(damaged, "no position")
        damaged.positionFile = foreign.archive.positionFile
        sample.expectFound(damaged, "another archive's position")
    }

    @Test("content that is damaged before its checksums are made is refused as well")
    func hostile() throws {
        let seed = SeededGenerator.printedSeed()
        var generator = SeededGenerator(seed: seed)
        let sample = try Sample(seed: seed)
        let frames = try sample.writer.frames.map { place in
            try Frame(sample.archive, place)
        }.filter { $0.header.kind == .changes }
        for _ in 0..<3000 {
            var frame = try #require(frames.randomElement(using: &generator))
            var content = try frame.content()
            let index = Int.random(in: 0..<content.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: content[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: content.removeSubrange(index...)
            default: content[index] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
            }
            frame = frame.with(content: content)
            var decoder = BatchDecoder()
            // A changed value is still a value. All else must be an error, never a trap.
            _ = try? decoder.batch(of: frame)
        }
    }
}

extension DamageTests.Sample {
    func without(_ index: Int) -> MemoryArchive {
        var damaged = archive
        let frame = writer.frames[index]
        damaged.files[frame.segment]?.removeSubrange(frame.range)
        return damaged
    }

    func doubling(_ index: Int) -> MemoryArchive {
        var damaged = archive
        let frame = writer.frames[index]
        guard let bytes = archive.files[frame.segment]?[frame.range] else { return damaged }
        damaged.files[frame.segment]?.insert(contentsOf: bytes, at: frame.range.lowerBound)
        return damaged
    }

    func swapping(_ first: Int, _ second: Int) -> MemoryArchive {
        var damaged = archive
        let (low, high) = (
            writer.frames[min(first, second)], writer.frames[max(first, second)]
        )
        guard let lowBytes = archive.files[low.segment]?[low.range],
            let highBytes = archive.files[high.segment]?[high.range]
        else { return damaged }
        // The later one first: the earlier one's place stays as it is.
        damaged.files[high.segment]?.replaceSubrange(high.range, with: lowBytes)
        damaged.files[low.segment]?.replaceSubrange(low.range, with: highBytes)
        return damaged
    }
}

extension Frame {
    fileprivate init(
        _ archive: MemoryArchive, _ place: (segment: SegmentName, range: Range<Int>)
    ) throws {
        let bytes = Array(try #require(archive.files[place.segment])[place.range])
        self.init(
            header: try FrameHeader(decoding: bytes.span.bytes),
            payload: Array(bytes.dropFirst(FrameHeader.byteCount)))
    }
}
