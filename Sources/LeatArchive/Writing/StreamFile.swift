internal import LeatCore
internal import PGWire

/// The file `stream.json`: which stream an archive records, and what a later start of it compares
/// with the source. It does for an archive what a row of `leat.progress` does for a target, but
/// for the position, which has a file of its own.
public struct StreamFile: Codable, Equatable, Sendable, Validated {
    public enum State: String, Codable, Sendable {
        /// Written before the slot is made: a crash may have left a slot that nobody has read.
        case creating
        case streaming
    }

    /// A table of the publications.
    public struct Table: Codable, Equatable, Sendable {
        public var oid: UInt32
        public var schema: String
        public var name: String
        /// OIDs of what makes it a part of its publications.
        public var membership: String
        public var unsentKinds: [String]
        /// What its publications send of it, with the versions of their rows; nil in a file from
        /// before it was kept.
        public var sending: String?

        public init(
            oid: UInt32, schema: String, name: String, membership: String, unsentKinds: [String],
            sending: String? = nil
        ) {
            self.oid = oid
            self.schema = schema
            self.name = name
            self.membership = membership
            self.unsentKinds = unsentKinds
            self.sending = sending
        }
    }

    public var state: State
    public var archive: ArchiveID
    public var stream: String
    public var slot: String
    public var ownsSlot: Bool
    public var ownsPublication: Bool
    /// `name:oid`.
    public var publications: [String]
    public var systemIdentifier: String
    public var database: String
    public var timeline: UInt32
    public var tables: [Table]
    /// Of a spool: the target that it is for, by its reader's name. Nothing is removed that this
    /// reader has not stored.
    public var spoolReader: String?
    /// Of the source's database, which may have another name by now; nil: an older Leat has begun
    /// the archive.
    public var databaseOID: UInt32?
    /// Where the slot stood when Leat had made it; nil: it was taken over, or an older Leat has begun
    /// the archive.
    public var slotBeginning: String?
    /// Options that selected a table at the last start.
    public var selection: [String]?

    public init(
        state: State, archive: ArchiveID, stream: String, slot: String, ownsSlot: Bool,
        ownsPublication: Bool, publications: [String], systemIdentifier: String,
        database: String, timeline: UInt32, tables: [Table], spoolReader: String? = nil
    ) {
        self.state = state
        self.archive = archive
        self.stream = stream
        self.slot = slot
        self.ownsSlot = ownsSlot
        self.ownsPublication = ownsPublication
        self.publications = publications
        self.systemIdentifier = systemIdentifier
        self.database = database
        self.timeline = timeline
        self.tables = tables
        self.spoolReader = spoolReader
    }

    static let name = "stream.json"

    /// Names that become those of files, or stand in printed commands.
    var isValid: Bool {
        StreamName(stream) != nil && SlotName(slot) != nil
            && spoolReader.map(ArchiveReaders.isName) ?? true
            && slotBeginning.map { LSN($0) != nil } ?? true
    }

    /// Nil if there is none: nothing was begun here.
    public static func read(_ folder: ArchiveFolder) throws(ArchiveError) -> StreamFile? {
        try CheckedJSON<StreamFile>(in: folder, named: name)?.value
    }

    /// On disk when it returns.
    public func write(in folder: ArchiveFolder, under lock: WriterLock) throws(ArchiveError) {
        try CheckedJSON(self).write(in: folder, named: StreamFile.name)
    }
}
