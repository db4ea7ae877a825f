public import PGWire

/// Where a stream's spool lies, as the target's row of the stream names it: for a start that comes
/// without it, or with another one.
public struct SpoolMark: Equatable, Sendable {
    /// The archive's ID.
    public var archive: String
    /// Machine and folder, for messages.
    public var place: String

    public init(archive: String, place: String) {
        self.archive = archive
        self.place = place
    }

    /// As `leat.progress` keeps it: the ID, a space, the place.
    public init?(_ text: String) {
        guard let space = text.firstIndex(of: " ") else { return nil }
        archive = String(text[..<space])
        place = String(text[text.index(after: space)...])
    }

    public var text: String { "\(archive) \(place)" }

    /// A start without a spool.
    ///
    /// - Throws: ``Halt`` if only the spool still holds what the slot will not send again.
    public func checkUnneeded(_ facts: StartFacts) throws(Halt) {
        guard let stored = facts.stored, !stored.isCreating,
            let confirmed = facts.slot?.confirmedFlushLSN, confirmed > stored.endLSN
        else { return }
        throw onlyThere(after: stored.endLSN, over: confirmed)
    }

    fileprivate func onlyThere(after stored: LSN, over confirmed: LSN) -> Halt {
        Halt(
            .positionMismatch,
            """
            The changes from \(stored) to \(confirmed) are in the spool of this stream, and \
            nowhere else: \(place).
            """,
            advice: """
                Start with --spool and that folder; if it was moved, with where it is now. It may \
                be left out once the target has all that is in it.
                """)
    }
}

/// What is known of a spool before a stream starts.
public struct SpoolFacts: Sendable {
    /// An archive that was begun in the folder.
    public struct Found: Sendable {
        public var archive: String
        public var stream: String
        /// The target whose spool it is, by its reader's name; nil: it is nobody's.
        public var reader: String?
        public var systemIdentifier: String
        public var database: String
        public var beginning: LSN
        public var end: LSN
        public var databaseOID: UInt32?

        public init(
            archive: String, stream: String, reader: String?, systemIdentifier: String,
            database: String, beginning: LSN, end: LSN, databaseOID: UInt32? = nil
        ) {
            self.archive = archive
            self.stream = stream
            self.reader = reader
            self.systemIdentifier = systemIdentifier
            self.database = database
            self.beginning = beginning
            self.end = end
            self.databaseOID = databaseOID
        }

        var databaseKey: DatabaseKey { DatabaseKey(name: database, oid: databaseOID) }
    }

    public var start: StartFacts
    public var folder: String
    public var stream: String
    /// This target's name as a reader.
    public var reader: String
    /// The same when the position was stored last: the target may have another name by now.
    public var formerReader: String?
    public var found: Found?
    public var mark: SpoolMark?

    public init(
        start: StartFacts, folder: String, stream: String, reader: String, found: Found?,
        mark: SpoolMark?
    ) {
        self.start = start
        self.folder = folder
        self.stream = stream
        self.reader = reader
        self.found = found
        self.mark = mark
    }
}

/// Whether what lies in the folder leads on from the target's position to the slot's, or the spool
/// begins anew.
///
/// The positions are in this order, always: what the spool begins with, what the target has stored
/// for good, what the spool has stored; and what is confirmed to the slot is never beyond the last
/// of them. So a target may be behind its slot by as much as the spool holds.
///
/// Nothing is ever removed here that might be needed: what takes the place of an old spool is
/// allowed only if the target is beyond its end.
public enum SpoolDecision: Equatable, Sendable {
    /// Begin it at the slot's confirmed position: the target has, for good, all that ends before.
    case begin
    case goOn

    /// - Throws: ``Halt`` with exit code 8, or 2 where only the folder is wrong.
    public init(_ facts: SpoolFacts) throws(Halt) {
        guard let stored = facts.start.stored, !stored.isCreating else {
            // A stream that begins has nothing in a spool. Somebody's may be there.
            if let found = facts.found { throw facts.holds(found) }
            self = .begin
            return
        }
        let confirmed = facts.start.slot?.confirmedFlushLSN ?? .zero
        if let found = facts.found {
            try facts.checkIsOurs(found)
            guard stored.endLSN >= found.beginning else {
                throw facts.wentBack(from: stored.endLSN, to: found)
            }
            if stored.endLSN <= found.end, confirmed <= found.end {
                self = .goOn
                return
            }
        }
        if confirmed > stored.endLSN, let mark = facts.mark, mark.archive != facts.found?.archive {
            throw mark.onlyThere(after: stored.endLSN, over: confirmed)
        }
        self = .begin
    }

    /// What the start is compared with: a slot is not ahead of a target whose spool holds what
    /// lies between them.
    public func bridged(_ facts: StartFacts) -> StartFacts {
        guard self == .goOn, let stored = facts.stored,
            let confirmed = facts.slot?.confirmedFlushLSN
        else { return facts }
        var facts = facts
        facts.slot?.confirmedFlushLSN = min(confirmed, stored.endLSN)
        return facts
    }
}

extension SpoolFacts {
    fileprivate func checkIsOurs(_ found: Found) throws(Halt) {
        guard found.stream == stream,
            found.reader == reader || found.reader != nil && found.reader == formerReader,
            found.systemIdentifier == start.systemIdentifier,
            found.databaseKey.isSame(as: start.databaseKey)
        else { throw holds(found) }
    }

    fileprivate func holds(_ found: Found) -> Halt {
        let what =
            switch found.reader {
            case nil: "an archive of leat record, of stream \(found.stream)"
            case reader where found.stream == stream: "the spool of an earlier stream of this name"
            default: "the spool of another stream or target, \(found.reader ?? found.stream)"
            }
        return Halt(
            .configuration, "The folder \(folder) holds \(what).",
            advice: "Give another folder with --spool, or remove this one if nobody needs it.")
    }

    fileprivate func wentBack(from stored: LSN, to found: Found) -> Halt {
        Halt(
            .positionMismatch,
            """
            The target is at \(stored), but its spool \(folder) begins at \(found.beginning): the \
            target went back to before what it had stored for good.
            """, advice: start.wayBack)
    }
}
