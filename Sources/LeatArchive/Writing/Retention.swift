public import PGWire

/// How much of an archive is kept, and which segments may go.
public struct Retention: Equatable, Sendable {
    /// Of all segments together.
    public var bytes: Int?
    /// Segments that were closed longer ago go.
    public var age: Duration?
    /// Removes what a registered reader still needs, too.
    public var ignoresReaders = false

    public init(bytes: Int? = nil, age: Duration? = nil, ignoresReaders: Bool = false) {
        self.bytes = bytes
        self.age = age
        self.ignoresReaders = ignoresReaders
    }

    public var isUnlimited: Bool { bytes == nil && age == nil }

    /// A segment, as retention sees it.
    public struct Segment: Equatable, Sendable {
        public var name: SegmentName
        public var bytes: Int
        /// Since it was last written to.
        public var age: Duration

        public init(name: SegmentName, bytes: Int, age: Duration) {
            self.name = name
            self.bytes = bytes
            self.age = age
        }
    }

    /// What may go now.
    public struct Decision: Equatable, Sendable {
        /// The first segment to keep.
        public var beginning: SegmentName
        /// More should have gone, but a reader needs it: the position of the one furthest behind.
        public var heldBy: LSN?
    }

    /// - Parameters:
    ///   - segments: In their order; the last one, which is written to, always stays.
    ///   - readers: The positions of those registered.
    /// - Returns: Nil if there are no segments.
    public func decide(_ segments: [Segment], readers: [LSN]) -> Decision? {
        guard var beginning = segments.first?.name else { return nil }
        var total = segments.reduce(0) { $0 + $1.bytes }
        let needed = ignoresReaders ? nil : readers.min()
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let isOld = age.map { segment.age > $0 } ?? false
            let isTooMuch = bytes.map { total > $0 } ?? false
            guard isOld || isTooMuch else { break }
            // A segment holds what ends behind its beginning, up to where the next one begins.
            if let needed, next.name.first > needed {
                return Decision(beginning: beginning, heldBy: needed)
            }
            beginning = next.name
            total -= segment.bytes
        }
        return Decision(beginning: beginning)
    }
}
