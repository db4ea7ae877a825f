public import PGWire

/// What is known of a stream before it starts, from the target, the slot and the source.
public struct StartFacts: Sendable {
    /// What is kept of a stream with its position.
    public struct Stored: Sendable {
        /// Set before the slot is created: a crash may have left a slot that nobody has used.
        public var isCreating: Bool
        public var endLSN: LSN
        public var systemIdentifier: String
        public var database: String
        public var timeline: UInt32
        public var slot: String
        /// Nil if it is not known: an older Leat has stored the position.
        public var last: LastTransaction?
        /// Nil if an older Leat has stored the position.
        public var databaseOID: UInt32?
        /// Where the slot stood when Leat had made it. Nil for one that was taken over, or that an
        /// older Leat has made.
        public var slotBeginning: LSN?

        public init(
            isCreating: Bool, endLSN: LSN, systemIdentifier: String, database: String,
            timeline: UInt32, slot: String, last: LastTransaction? = nil,
            databaseOID: UInt32? = nil
        ) {
            self.isCreating = isCreating
            self.endLSN = endLSN
            self.systemIdentifier = systemIdentifier
            self.database = database
            self.timeline = timeline
            self.slot = slot
            self.last = last
            self.databaseOID = databaseOID
        }

        public var databaseKey: DatabaseKey { DatabaseKey(name: database, oid: databaseOID) }
    }

    /// The slot's row of `pg_replication_slots`.
    public struct Slot: Sendable {
        public var plugin: String?
        public var database: String?
        public var isTemporary: Bool
        public var isTwoPhase: Bool
        /// Nil before the slot is consistent, and for a physical slot.
        public var confirmedFlushLSN: LSN?
        /// `reserved`, `extended`, `unreserved` or `lost`.
        public var walStatus: String?
        /// Why it is lost, where the server says so: 16 and newer.
        public var invalidationReason: String?

        public init(
            plugin: String?, database: String?, isTemporary: Bool, isTwoPhase: Bool,
            confirmedFlushLSN: LSN?, walStatus: String?
        ) {
            self.plugin = plugin
            self.database = database
            self.isTemporary = isTemporary
            self.isTwoPhase = isTwoPhase
            self.confirmedFlushLSN = confirmedFlushLSN
            self.walStatus = walStatus
        }
    }

    public var stored: Stored?
    public var slot: Slot?
    public var slotName: String
    public var systemIdentifier: String
    public var database: String
    public var timeline: UInt32
    public var walEnd: LSN
    /// Where the stored timeline ended, if the source's is another: `TIMELINE_HISTORY`.
    public var branchPoint: LSN?
    public var copiesTables: Bool
    public var keeper: KeeperWords
    /// Of the source's database.
    public var databaseOID: UInt32?
    /// The operator has named the slot: one that is there is meant to be taken over.
    public var isSlotNamed = false

    public init(
        stored: Stored?, slot: Slot?, slotName: String, systemIdentifier: String,
        database: String, timeline: UInt32, walEnd: LSN, branchPoint: LSN?, copiesTables: Bool,
        keeper: KeeperWords = .target
    ) {
        self.stored = stored
        self.slot = slot
        self.slotName = slotName
        self.systemIdentifier = systemIdentifier
        self.database = database
        self.timeline = timeline
        self.walEnd = walEnd
        self.branchPoint = branchPoint
        self.copiesTables = copiesTables
        self.keeper = keeper
    }
}

/// How a stream begins. A pure function of what is found on both servers, because a wrong
/// start is silent: a server skips a gap between position and slot without a word, and sends
/// nothing at all to a client whose position is beyond its WAL.
public enum StartDecision: Equatable, Sendable {
    /// Nothing is there yet: write `creating`, create the slot.
    case create
    /// A crash left a slot that nobody has read: drop it, create it again.
    case recreate
    /// An existing slot is taken as it is, at its confirmed position.
    case adopt(at: LSN)
    case resume(at: LSN)

    public var isResume: Bool {
        if case .resume = self { return true }
        return false
    }

    /// - Throws: ``Halt`` with exit code 8, or 2 where only the options are wrong.
    public init(_ facts: StartFacts) throws(Halt) {
        if let stored = facts.stored { try stored.checkSameSource(facts) }
        if let slot = facts.slot { try slot.checkUsable(facts) }
        switch (facts.stored, facts.slot) {
        case (nil, nil):
            self = .create
        case (nil, let slot?):
            self = .adopt(at: try StartDecision.adopted(slot, given: facts))
        case (let stored?, let slot) where stored.isCreating:
            self = slot == nil ? .create : .recreate
        case (let stored?, let slot?):
            try stored.checkBetween(slot, given: facts)
            self = .resume(at: stored.endLSN)
        case (.some, nil):
            throw Halt(
                .positionMismatch,
                "Slot \(facts.slotName) is gone from the source; changes after the stored position may be lost.",
                advice: facts.wayBack)
        }
    }

    private static func adopted(_ slot: StartFacts.Slot, given facts: StartFacts) throws(Halt)
        -> LSN
    {
        guard !facts.copiesTables || facts.isSlotNamed else {
            throw Halt(
                .positionMismatch,
                "Slot \(facts.slotName) exists, but the \(facts.keeper.name) knows nothing of this stream.",
                advice: facts.keeper.wayOn(facts.slotName))
        }
        guard let confirmed = slot.confirmedFlushLSN else {
            throw Halt(
                .positionMismatch, "Slot \(facts.slotName) has not reached a consistent point.",
                advice: "Drop it and start again.")
        }
        return confirmed
    }
}

extension StartFacts {
    public var databaseKey: DatabaseKey { DatabaseKey(name: database, oid: databaseOID) }

    /// Where a slot stands that is ahead of what is stored: somebody else has read it meanwhile.
    public var slotAhead: LSN? {
        guard let stored, !stored.isCreating, let confirmed = slot?.confirmedFlushLSN,
            confirmed > stored.endLSN
        else { return nil }
        return confirmed
    }

    /// What is compared of the source's history when a stream goes on at its position.
    public func history(leavesOutOrigins: Bool) -> KnownHistory? {
        guard let stored, !stored.isCreating, let confirmed = slot?.confirmedFlushLSN else {
            return nil
        }
        return KnownHistory(
            stored.last, position: stored.endLSN, confirmed: confirmed,
            leavesOutOrigins: leavesOutOrigins, wayBack: wayBack)
    }

    /// The same, where somebody else has stored another transaction last, which has to come: one
    /// that is still before the stream, or one behind which it has begun.
    public func history(of other: LastTransaction, leavesOutOrigins: Bool) -> KnownHistory? {
        guard let stored, !stored.isCreating else { return nil }
        // Of what lies between the two the other one may have left some out.
        let ownBeginning = stored.last?.commitLSN ?? stored.endLSN
        return KnownHistory(
            other, position: max(stored.endLSN, LSN(rawValue: other.commitLSN.rawValue + 1)),
            confirmed: slot?.confirmedFlushLSN ?? .zero,
            quietSince: max(other.commitLSN, ownBeginning), leavesOutOrigins: leavesOutOrigins,
            wayBack: wayBack)
    }

    var wayBack: String { keeper.wayBack }

    /// Slots are of the whole server, and each of one database: that one is another stream's.
    var otherName: String {
        let letters = database.lowercased().map { character in
            character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
        }
        let name = StreamName(String(("main_" + String(letters)).prefix(50)))?.text ?? "main_2"
        return """
            It is another stream's, so leave it. Give this one a name that no other database of \
            this server uses: --stream \(name)
            """
    }
}

extension StartFacts.Stored {
    func checkSameSource(_ facts: StartFacts) throws(Halt) {
        guard systemIdentifier == facts.systemIdentifier,
            databaseKey.isSame(as: facts.databaseKey)
        else {
            throw Halt(
                .positionMismatch,
                """
                The stored position belongs to database \(database) of system \
                \(systemIdentifier); the source is database \(facts.database) of system \
                \(facts.systemIdentifier).
                """,
                advice: "Check --source, or choose another --stream for this source.")
        }
        guard slot == facts.slotName else {
            throw Halt(
                .configuration, "This stream reads slot \(slot), not \(facts.slotName).",
                advice: "Leave out --slot, or choose another --stream.")
        }
    }

    func checkBetween(_ slot: StartFacts.Slot, given facts: StartFacts) throws(Halt) {
        guard let confirmed = slot.confirmedFlushLSN else {
            throw Halt(
                .positionMismatch,
                """
                Slot \(facts.slotName) has no position: it is not the one that has brought the \
                stream to \(endLSN).
                """, advice: facts.wayBack)
        }
        guard confirmed <= endLSN else {
            throw Halt(
                .positionMismatch,
                """
                Slot \(facts.slotName) was confirmed up to \(confirmed), beyond the stored position \
                \(endLSN): the changes between them will not be sent again.
                """,
                advice: facts.keeper.whereSlotIsAhead + facts.wayBack)
        }
        guard endLSN <= facts.walEnd else {
            throw Halt(
                .positionMismatch,
                """
                The stored position \(endLSN) is beyond the end of the source's WAL, \
                \(facts.walEnd): the source went back in time.
                """,
                advice: facts.wayBack)
        }
        try checkIsTheOneMade(confirmed, given: facts)
        try checkTimeline(facts)
    }

    /// A slot is on the disk with where it was made before anybody learns of it, and what is
    /// confirmed never goes back before that: not by a crash, nor on a standby. So one that stands
    /// before it is an older one of the same name, which a copy of the source's disk has brought
    /// back. One that was taken over may have stood there before a crash, and is not told by this.
    private func checkIsTheOneMade(_ confirmed: LSN, given facts: StartFacts) throws(Halt) {
        guard let slotBeginning, confirmed < slotBeginning else { return }
        throw Halt(
            .positionMismatch,
            """
            Slot \(facts.slotName) was confirmed up to \(confirmed), before \(slotBeginning), where \
            this stream's slot was made: it is an older one of the same name. Was the source \
            restored from a copy of its disk?
            """,
            advice: facts.wayBack)
    }

    private func checkTimeline(_ facts: StartFacts) throws(Halt) {
        guard timeline != facts.timeline else { return }
        if timeline < facts.timeline, let branch = facts.branchPoint, endLSN <= branch { return }
        throw Halt(
            .positionMismatch,
            """
            The source is on timeline \(facts.timeline), which does not contain the stored \
            position \(endLSN) of timeline \(timeline).
            """,
            advice: facts.wayBack)
    }
}

extension StartFacts.Slot {
    func checkUsable(_ facts: StartFacts) throws(Halt) {
        if let reason = refusal(facts) {
            throw Halt(
                .positionMismatch, "Slot \(facts.slotName) cannot be used: \(reason).",
                advice: isLost
                    ? facts.wayBack
                    : database == facts.database ? "Choose another --slot." : facts.otherName)
        }
    }

    private func refusal(_ facts: StartFacts) -> String? {
        if plugin != "pgoutput" { return "its plugin is \(plugin ?? "none (a physical slot)")" }
        if database != facts.database { return "it belongs to database \(database ?? "none")" }
        if isTemporary { return "it is temporary" }
        if isTwoPhase { return "it was created for two-phase commit" }
        guard isLost else { return nil }
        return InvalidationReason.text(invalidationReason) + " (lost)"
    }

    private var isLost: Bool { walStatus == "lost" || invalidationReason != nil }
}
