internal import LeatArchive
internal import LeatCore
internal import PGWire

/// The disk with an archive: what was written there, and what of it is still there when the machine
/// goes down. Files that are replaced as a whole are the old one or the new one.
// SAFETY: of the simulation's one thread, as everything in it.
final class ArchiveDisk: @unchecked Sendable {
    /// There is no room for more.
    struct NoRoom: Error {}

    /// A transaction.
    struct Frame {
        var number: Int
        /// As it was taken in.
        var pieces: [Batch]
        var commitLSN: LSN
        var endLSN: LSN
        var last: LastTransaction
        /// Where its segment begins.
        var segment = LSN.zero
    }

    /// `stream.json`.
    struct Stream: Equatable {
        var isCreating: Bool
        var archive: Int
        var timeline: UInt32
        var slotBeginning: LSN?
    }

    /// `position`.
    struct Position: Equatable {
        var end: LSN
        /// So many count.
        var frames: Int
        var beginning: LSN
        /// So many were removed.
        var removed: Int
    }

    /// What is replaced as a whole.
    struct Files: Equatable {
        var stream: Stream?
        var position: Position?
        /// What its reader has registered.
        var reader: LSN?
    }

    let thread: SimulatedThread
    private(set) var files = Files()
    private(set) var durableFiles = Files()
    private(set) var frames: [Frame] = []
    /// So many of them are on the disk.
    private(set) var synchronised = 0
    /// The transactions that are before its beginning.
    private var before: [Int] = []
    private let framesPerSegment: Int
    private(set) var lastArchive = 0
    var isFull = false

    init(_ thread: SimulatedThread, framesPerSegment: Int) {
        self.thread = thread
        self.framesPerSegment = framesPerSegment
    }

    // MARK: Writing

    /// Renames what was written beside a file. A crash may take that back.
    func replace(_ change: (inout Files) -> Void) { change(&files) }

    func synchroniseFolder() { durableFiles = files }

    func begin(at point: LSN, after numbers: [Int]) {
        (frames, synchronised, before) = ([], 0, numbers)
        replace { $0.position = Position(end: point, frames: 0, beginning: point, removed: 0) }
    }

    func nextArchive() -> Int {
        lastArchive += 1
        return lastArchive
    }

    /// - Throws: ``NoRoom``.
    func append(_ frame: Frame) throws {
        guard !isFull else { throw NoRoom() }
        var frame = frame
        let segment = frames.last?.segment ?? files.position?.beginning ?? .zero
        let isClosed = frames.countAtEnd { $0.segment == segment } >= framesPerSegment
        frame.segment = isClosed ? frames.last?.endLSN ?? segment : segment
        frames.append(frame)
    }

    func synchroniseFrames() { synchronised = frames.count }

    /// What a killed writer has left behind the position is cut off.
    func recover() {
        guard let position = files.position, frames.count > position.frames else { return }
        frames.removeLast(frames.count - position.frames)
        synchronised = min(synchronised, frames.count)
    }

    // MARK: Removing

    /// What may go, if anything.
    func removable(_ retention: Retention) -> LSN? {
        guard let position = files.position, let reader = files.reader else { return nil }
        var firsts = [position.beginning]
        for frame in frames[..<position.frames] where frame.segment > firsts[firsts.count - 1] {
            firsts.append(frame.segment)
        }
        let segments = firsts.map {
            Retention.Segment(name: SegmentName($0), bytes: 1, age: .zero)
        }
        let beginning = retention.decide(segments, readers: [reader])?.beginning.first
        return beginning.flatMap { $0 > position.beginning ? $0 : nil }
    }

    func remove(before beginning: LSN) {
        let removed = frames.prefix { $0.segment < beginning }.count
        replace { files in
            files.position?.beginning = beginning
            files.position?.removed = removed
        }
    }

    // MARK: What is there

    /// The same of an archive as of a target. Nil without one.
    var state: TargetServer.State {
        var state = TargetServer.State()
        guard let stream = files.stream else { return state }
        let position = files.position
        let there = frames.prefix(position?.frames ?? 0)
        state.applied = before + there.map(\.number)
        state.row = TargetServer.Row(
            isCreating: stream.isCreating, position: position?.end ?? .zero,
            timeline: stream.timeline, last: last(there, at: position))
        state.row?.slotBeginning = stream.slotBeginning
        return state
    }

    private func last(_ there: ArraySlice<Frame>, at position: Position?) -> LastTransaction {
        if let position, there.count > position.removed, let last = there.last?.last { return last }
        return LastTransaction(commitLSN: position?.beginning ?? .zero)
    }

    /// A spool that can be read.
    var begun: Position? { files.stream?.isCreating == false ? files.position : nil }

    /// The last of its transactions, or before it, that ends there.
    func number(at position: LSN) -> Int {
        frames.last { $0.endLSN <= position }?.number ?? before.last ?? 0
    }

    // MARK: Faults

    /// The machine goes down.
    func crash() {
        if thread.once(in: 2) { files = durableFiles } else { durableFiles = files }
        let kept = synchronised + thread.number(below: frames.count - synchronised + 1)
        frames.removeLast(frames.count - kept)
        synchronised = kept
    }
}

extension Array {
    /// How many at its end are so.
    fileprivate func countAtEnd(where isSo: (Element) -> Bool) -> Int {
        count - ((lastIndex { !isSo($0) }).map { $0 + 1 } ?? 0)
    }
}
