public import LeatCore
public import PGWire

/// Removes an archive's oldest segments by hand, while nobody records.
public struct ArchivePruning: Sendable {
    /// What would go.
    public struct Plan: Sendable {
        public var segments: [Retention.Segment] = []
        /// Points of those before what remains.
        public var bases: [LSN] = []
        public var basesLeft: [LSN] = []
        public var forgotten: [String] = []
        /// More should go, but this reader needs it.
        public var heldBy: ArchiveReaders.Reader?
        /// The first segment that stays.
        public var beginning: SegmentName

        public var isEmpty: Bool { segments.isEmpty && forgotten.isEmpty }
    }

    private let folder: ArchiveFolder
    private let readers: ArchiveReaders

    public init(_ folder: ArchiveFolder) {
        self.folder = folder
        readers = ArchiveReaders(folder.path)
    }

    /// - Parameters:
    ///   - moment: Segments that hold nothing later go.
    ///   - names: Readers that count no more.
    public func plan(
        before moment: ReplayMoment?, _ retention: Retention, forgetting names: [String] = []
    ) throws(ArchiveError) -> Plan {
        let position = try folder.storedPosition()
        let sizes = try folder.sizes().filter {
            $0.name >= position.beginning && $0.name <= position.segment
        }
        let known = try readers.all()
        let counting = known.filter { !names.contains($0.name) }
        var beginning = position.beginning
        var held: LSN?
        if !retention.isUnlimited,
            let decision = retention.decide(sizes, readers: counting.map { $0.end ?? .zero })
        {
            (beginning, held) = (decision.beginning, decision.heldBy)
        }
        if let moment {
            let (last, heldHere) = try first(
                after: moment, sizes, needed: retention.ignoresReaders ? nil : counting)
            (beginning, held) = (max(beginning, last), held ?? heldHere)
        }
        var plan = Plan(beginning: beginning)
        plan.segments = sizes.filter { $0.name < beginning }
        let bases = try folder.bases().map(\.lsn)
        plan.bases = bases.filter { $0 < beginning.first }
        plan.basesLeft = bases.filter { $0 >= beginning.first }
        plan.forgotten = known.map(\.name).filter(names.contains)
        plan.heldBy = held.flatMap { held in counting.first { $0.end ?? .zero <= held } }
        return plan
    }

    /// The first segment that holds anything later, or that a reader needs.
    private func first(
        after moment: ReplayMoment, _ segments: [Retention.Segment],
        needed: [ArchiveReaders.Reader]?
    ) throws(ArchiveError) -> (SegmentName, heldBy: LSN?) {
        var beginning = segments.first?.name ?? SegmentName(.zero)
        let needed = needed?.map { $0.end ?? .zero }.min()
        for (segment, next) in zip(segments, segments.dropFirst()) {
            guard try holdsNothing(later: moment, in: segment.name, before: next.name) else {
                break
            }
            if let needed, next.name.first > needed { return (beginning, needed) }
            beginning = next.name
        }
        return (beginning, nil)
    }

    private func holdsNothing(
        later moment: ReplayMoment, in segment: SegmentName, before next: SegmentName
    ) throws(ArchiveError) -> Bool {
        switch moment {
        case .lsn(let lsn):
            return next.first <= lsn
        case .time(let time):
            var reader = try ArchiveReader(folder)
            try reader.seek(after: segment.first)
            reader.readsHeadersOnly = true
            while let item = try reader.next() {
                switch item {
                case .segment(let header):
                    if header.name != segment { return true }
                case .frame(let frame):
                    if frame.header.kind == .changes, frame.header.lastCommitTime > time {
                        return false
                    }
                }
            }
            return true
        }
    }

    /// - Throws: `.heldBy` while a recorder runs.
    public func run(_ plan: Plan) throws(ArchiveError) {
        for name in plan.forgotten { try readers.forget(name) }
        guard !plan.segments.isEmpty else { return }
        let lock = try WriterLock(folder)
        let writer = try ArchiveWriter(in: folder, under: lock)
        try writer.prune(before: plan.beginning)
        try folder.removeBases(before: plan.beginning.first)
    }
}
