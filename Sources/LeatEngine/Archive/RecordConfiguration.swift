public import LeatArchive

/// What `leat record` was asked to do. What it reads is a ``SourceConfiguration``, whose
/// properties are this one's too.
@dynamicMemberLookup
public struct RecordConfiguration: Sendable {
    public enum Base: Sendable {
        case none
        /// Made if the archive has none yet that its changes go on from.
        case ifMissing
        /// Made in any case.
        case new
    }

    public var reading: SourceConfiguration
    /// The archive's folder.
    public var archive: String
    public var base = Base.none
    /// Tables copied at the same time.
    public var baseJobs = 2
    /// The program that writes the base's schema; nil: it has none.
    public var schemaDump: String? = "pg_dump"
    public var retention = Retention()
    /// A segment is closed when it is longer.
    public var segmentBytes = ArchiveWriter.segmentBytes

    public init(reading: SourceConfiguration, archive: String) {
        self.reading = reading
        self.archive = archive
    }

    public subscript<Value>(dynamicMember property: KeyPath<SourceConfiguration, Value>) -> Value {
        reading[keyPath: property]
    }
}
