public import PGWire

/// What is known of a replay before it starts, from the target and the archive.
public struct ReplayFacts: Sendable {
    /// A copy of the tables that the archive holds.
    public struct Base: Equatable, Sendable {
        /// The tables are as of this position.
        public var point: LSN
        /// Whether it is at or before the moment up to which is to be replayed.
        public var isBeforeEnd: Bool

        public init(point: LSN, isBeforeEnd: Bool) {
            self.point = point
            self.isBeforeEnd = isBeforeEnd
        }
    }

    /// Where a replay begins that is not to go on from a stored position.
    public enum Beginning: Equatable, Sendable {
        /// The newest base at or before the wanted moment.
        case newestBase
        case base(LSN)
        /// The archive's own beginning: the target holds the rows of that moment already.
        case noCopy
    }

    /// The stream's row of `leat.progress`.
    public var stored: StartFacts.Stored?
    /// As a stream's row names the archive in place of a slot.
    public var archive: String
    /// The archive is this stream's spool: what is left of it may be played without the source.
    public var isSpool = false
    public var systemIdentifier: String
    public var database: String
    public var beginning: LSN
    public var end: LSN
    /// Oldest first.
    public var bases: [Base]
    public var wanted: Beginning
    /// Up to where; nil: to the end, or to a time.
    public var until: LSN?

    public init(
        stored: StartFacts.Stored?, archive: String, systemIdentifier: String, database: String,
        beginning: LSN, end: LSN, bases: [Base], wanted: Beginning, until: LSN?
    ) {
        self.stored = stored
        self.archive = archive
        self.systemIdentifier = systemIdentifier
        self.database = database
        self.beginning = beginning
        self.end = end
        self.bases = bases
        self.wanted = wanted
        self.until = until
    }
}

/// How a replay begins: the checks of ``StartDecision`` with an archive in the slot's place.
public enum ReplayDecision: Equatable, Sendable {
    /// Nothing of the stream is on the target: copy this base, go on behind it.
    case copy(base: LSN)
    /// Nothing of the stream is on the target, which has the rows as of here.
    case adopt(at: LSN)
    case resume(at: LSN)

    /// - Throws: ``Halt`` with exit code 8, or 2 where only the options are wrong.
    public init(_ facts: ReplayFacts) throws(Halt) {
        if let stored = facts.stored, !stored.isCreating {
            try ReplayDecision.check(stored, given: facts)
            self = .resume(at: stored.endLSN)
            return
        }
        switch facts.wanted {
        case .noCopy: self = .adopt(at: facts.beginning)
        case .base(let point): self = .copy(base: try ReplayDecision.base(at: point, facts))
        case .newestBase: self = .copy(base: try ReplayDecision.newestBase(facts))
        }
    }

    private static func check(
        _ stored: StartFacts.Stored, given facts: ReplayFacts
    ) throws(Halt) {
        guard stored.slot == facts.archive || facts.isSpool else {
            let isArchive = stored.input.isArchive
            throw Halt(
                isArchive ? .positionMismatch : .configuration,
                "This stream reads \(isArchive ? "" : "slot ")\(stored.slot), not \(facts.archive).",
                advice: isArchive
                    ? "Give that archive, or begin anew with this one: --rewind."
                    : "Choose another --stream.")
        }
        // A spool goes by its ID; its database may have been renamed since.
        guard stored.systemIdentifier == facts.systemIdentifier,
            stored.database == facts.database || facts.isSpool
        else {
            throw Halt(
                .positionMismatch,
                """
                The stored position belongs to database \(stored.database) of system \
                \(stored.systemIdentifier); the archive is of database \(facts.database) of \
                system \(facts.systemIdentifier).
                """,
                advice:
                    "Give the archive that this target was filled from, or begin anew: --rewind.")
        }
        guard stored.endLSN >= facts.beginning else {
            throw Halt(
                .positionMismatch,
                """
                The archive begins at \(facts.beginning), after the stored position \
                \(stored.endLSN): the changes between them were removed.
                """,
                advice: "Begin anew from a base that it still holds: --rewind.")
        }
        guard stored.endLSN <= facts.end else {
            throw Halt(
                .positionMismatch,
                """
                The stored position \(stored.endLSN) is beyond the end of the archive, \
                \(facts.end): it is an older copy of the one that was read.
                """,
                advice:
                    "Give the archive that this target was filled from, or begin anew: --rewind.")
        }
        if let until = facts.until, until < stored.endLSN {
            throw Halt(
                .configuration,
                "The target is at \(stored.endLSN) already, beyond --until \(until).",
                advice: "Only --rewind goes back.")
        }
    }

    private static func base(at point: LSN, _ facts: ReplayFacts) throws(Halt) -> LSN {
        guard let base = facts.bases.first(where: { $0.point == point }) else {
            let points = facts.bases.map { "\($0.point)" }.joined(separator: ", ")
            throw Halt(
                .configuration, "The archive has no base at \(point).",
                advice: points.isEmpty ? "It has none at all." : "It has \(points).")
        }
        guard base.isBeforeEnd else {
            throw Halt(
                .configuration, "Base \(point) is later than the moment of --until.",
                advice: "Leave out --from-base, or choose an earlier one.")
        }
        return point
    }

    private static func newestBase(_ facts: ReplayFacts) throws(Halt) -> LSN {
        if let base = facts.bases.last(where: \.isBeforeEnd) { return base.point }
        guard let oldest = facts.bases.first else {
            throw Halt(
                .preflight, "The archive holds no copy of the tables to begin with.",
                advice: """
                    Record one with leat record --with-base, or, if the target holds the rows as \
                    of the archive's beginning (none, for example), start with --no-copy.
                    """)
        }
        throw Halt(
            .preflight,
            "No base of the archive is at or before the wanted moment: the oldest is at \(oldest.point).",
            advice: "Choose a later --until.")
    }
}
