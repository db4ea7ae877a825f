import Foundation
import LeatArchive
import LeatTestSupport
import PGWire

/// One thing that is wrong with an archive.
struct Damage {
    /// In words, for messages.
    var what: String
    /// By path within the archive; those that are not here are gone.
    var files: [String: [UInt8]]
    /// What a message must say of where it is, if that is known to the byte.
    var place: String?
    /// Nothing that ends behind it can be read any more.
    var limit: LSN?
}

/// The segments and the position of an archive as they were recorded, to be damaged.
struct ArchiveFiles {
    struct Frame {
        var segment: String
        var range: Range<Int>
        /// Where the one before it ended.
        var previousEnd: LSN
    }

    let path: String
    let whole: [String: [UInt8]]
    let segments: [String]
    let frames: [Frame]
    /// Of each segment: where its frames begin.
    private let headers: [String: Int]
    private static let position = "position"

    init(_ path: String) throws {
        self.path = path
        let folder = ArchiveFolder(path)
        var whole: [String: [UInt8]] = [:]
        var headers: [String: Int] = [:]
        var frames: [Frame] = []
        let names = try folder.segments()
        for name in names {
            let file = "segments/\(name.fileName)"
            let bytes = Array(try Data(contentsOf: .init(filePath: "\(path)/\(file)")))
            var offset = try folder.header(of: name).length
            (whole[file], headers[file]) = (bytes, offset)
            while offset < bytes.count {
                let header = try FrameHeader(
                    decoding: bytes.span.bytes.extracting(offset..<bytes.count))
                let range = offset..<offset + header.frameBytes
                frames.append(.init(segment: file, range: range, previousEnd: header.previous.end))
                offset = range.upperBound
            }
        }
        whole[Self.position] = Array(
            try Data(contentsOf: .init(filePath: "\(path)/\(Self.position)")))
        (self.whole, self.headers, self.frames) = (whole, headers, frames)
        segments = names.map { "segments/\($0.fileName)" }
    }

    /// Makes the folder hold these files.
    func write(_ files: [String: [UInt8]]) throws {
        for name in whole.keys {
            let url = URL(filePath: "\(path)/\(name)")
            if let bytes = files[name] {
                try Data(bytes).write(to: url)
            } else {
                try? FileManager.default.removeItem(at: url)
            }
        }
    }

    // MARK: Damage

    /// Another archive, wrong in one place.
    func damage(using random: inout SeededGenerator) throws -> Damage {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...2: changed(&random)
        case 3: cut(&random)
        case 4: shifted(&random)
        case 5: withoutFrame(&random)
        case 6: swapped(&random)
        case 7: withoutSegment(&random)
        case 8: swappedSegments(&random)
        default: wrongPosition(&random)
        }
    }

    private func bytes(_ name: String) -> [UInt8] { whole[name] ?? [] }

    /// Where a message says that what is at this byte is wrong, and what can be read before it.
    private func place(_ name: String, _ index: Int) -> (String, LSN?) {
        let frame = frames.first { $0.segment == name && $0.range.contains(index) }
        let file = name.split(separator: "/").last ?? ""
        let first = frames.first { $0.segment == name }?.previousEnd
        return (
            "segment \(file) at byte \(frame?.range.lowerBound ?? 0):",
            frame?.previousEnd ?? first
        )
    }

    /// A flipped bit, another byte, or some that were never written.
    private func changed(_ random: inout SeededGenerator) -> Damage {
        let name = segments.randomElement(using: &random) ?? ""
        var new = bytes(name)
        let index = Int.random(in: new.indices, using: &random)
        let old = new
        switch Int.random(in: 0..<3, using: &random) {
        case 0: new[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: new[index] &+= UInt8.random(in: 1...255, using: &random)
        default: for place in index..<min(index + 512, new.count) { new[place] = 0xA5 }
        }
        let first = zip(old, new).enumerated().first { $1.0 != $1.1 }?.offset ?? index
        let (place, limit) = place(name, first)
        return Damage(
            what: "byte \(first) of \(name)", files: with(name, new), place: place, limit: limit)
    }

    private func cut(_ random: inout SeededGenerator) -> Damage {
        let name = segments.randomElement(using: &random) ?? ""
        let count = Int.random(in: bytes(name).indices, using: &random)
        return Damage(
            what: "\(count) bytes of \(name)", files: with(name, Array(bytes(name).prefix(count))),
            limit: place(name, count).1)
    }

    /// A byte that is gone or twice, so that all behind it has moved.
    private func shifted(_ random: inout SeededGenerator) -> Damage {
        let name = segments.randomElement(using: &random) ?? ""
        var new = bytes(name)
        // One that is doubled at the very end stands behind the position.
        let index = Int.random(in: 0..<new.count - 1, using: &random)
        if random.once(in: 2) { new.remove(at: index) } else { new.insert(0x4C, at: index) }
        return Damage(
            what: "moved from byte \(index) of \(name)", files: with(name, new),
            limit: place(name, index).1)
    }

    private func withoutFrame(_ random: inout SeededGenerator) -> Damage {
        let index = Int.random(in: frames.indices, using: &random)
        let frame = frames[index]
        var new = bytes(frame.segment)
        let isDoubled = index < frames.count - 1 && random.once(in: 2)
        if isDoubled {
            new.insert(contentsOf: new[frame.range], at: frame.range.lowerBound)
        } else {
            new.removeSubrange(frame.range)
        }
        return Damage(
            what: "frame \(index) \(isDoubled ? "twice" : "gone")",
            files: with(frame.segment, new),
            limit: isDoubled && index + 1 < frames.count
                ? frames[index + 1].previousEnd : frame.previousEnd)
    }

    private func swapped(_ random: inout SeededGenerator) -> Damage {
        let first = Int.random(in: 0..<frames.count - 1, using: &random)
        let second = Int.random(in: first + 1..<frames.count, using: &random)
        let (low, high) = (frames[first], frames[second])
        var files = whole
        let (lowBytes, highBytes) = (bytes(low.segment)[low.range], bytes(high.segment)[high.range])
        // The later one first: the earlier one's place stays as it is.
        files[high.segment]?.replaceSubrange(high.range, with: lowBytes)
        files[low.segment]?.replaceSubrange(low.range, with: highBytes)
        return Damage(
            what: "frames \(first) and \(second) swapped", files: files, limit: low.previousEnd)
    }

    private func withoutSegment(_ random: inout SeededGenerator) -> Damage {
        let name = segments.randomElement(using: &random) ?? ""
        return Damage(
            what: "\(name) gone", files: whole.filter { $0.key != name },
            place: "\(name.split(separator: "/").last ?? "")", limit: place(name, 0).1)
    }

    private func swappedSegments(_ random: inout SeededGenerator) -> Damage {
        let first = Int.random(in: 0..<segments.count - 1, using: &random)
        let second = Int.random(in: first + 1..<segments.count, using: &random)
        var files = whole
        files[segments[first]] = bytes(segments[second])
        files[segments[second]] = bytes(segments[first])
        return Damage(
            what: "segments \(first) and \(second) swapped", files: files,
            limit: place(segments[first], 0).1)
    }

    private func wrongPosition(_ random: inout SeededGenerator) -> Damage {
        var new = bytes(Self.position)
        let index = Int.random(in: new.indices, using: &random)
        if random.once(in: 3) {
            new.removeSubrange(index...)
        } else {
            new[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        return Damage(
            what: "position at byte \(index)", files: with(Self.position, new),
            place: "the file \"position\" is damaged", limit: .zero)
    }

    private func with(_ name: String, _ bytes: [UInt8]) -> [String: [UInt8]] {
        whole.merging([name: bytes]) { $1 }
    }
}
