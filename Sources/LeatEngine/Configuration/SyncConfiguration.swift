internal import LeatArchive
public import LeatCore
public import PGClient

/// What `leat sync` was asked to do. What it reads is a ``SourceConfiguration``, whose properties
/// are this one's too.
@dynamicMemberLookup
public struct SyncConfiguration: Sendable {
    public enum Binary: String, Sendable, CaseIterable {
        case auto, on, off
    }

    /// How the target's own triggers and foreign keys are dealt with.
    public enum Role: String, Sendable, CaseIterable {
        /// `replica` if the target role may, else `plain`.
        case auto
        /// `session_replication_role = replica`: neither fire nor are checked.
        case replica
        /// Foreign keys are checked; tables with triggers that would fire are refused.
        case plain
        /// As `plain`, with the user triggers of the followed tables disabled for everybody.
        case disableTriggers = "disable-triggers"
    }

    /// What becomes of a table whose rows have changed on the source without being sent.
    public enum Rewrite: String, Sendable, CaseIterable {
        /// The stream stops, and says what happened.
        case stop
        /// The table is emptied on the target and copied anew.
        case copy
    }

    /// An archive between slot and target, so that a target which is slow or away does not hold
    /// the source's WAL.
    public struct Spool: Sendable {
        /// The archive's folder.
        public var folder: String
        /// At so many bytes the source is read no further; nil: no limit.
        public var limit: Int?
        /// A segment is closed when it is longer.
        public var segmentBytes = ArchiveWriter.segmentBytes

        public init(folder: String, limit: Int? = nil) {
            self.folder = folder
            self.limit = limit
        }
    }

    public typealias Origin = SourceConfiguration.Origin
    public typealias End = SourceConfiguration.End

    public var reading: SourceConfiguration
    public var target: Conninfo
    /// Its properties are this one's too.
    public var applying = TargetSettings()
    public var copiesTables = true
    public var stopsAfterCopy = false
    /// How long a statement may wait for a table that is being copied until its copy is given up and
    /// begun again later; nil: until it ends.
    public var yieldsLocksAfter: Duration?
    /// A target of another system has taken the place of the one that the position is of.
    public var acceptsTarget = false
    public var binary = Binary.auto
    /// Whether the changes of a row in a batch are folded to one; else each is applied by itself.
    public var foldsChanges = true
    public var onRewrite = Rewrite.stop
    public var spool: Spool?

    public init(reading: SourceConfiguration, target: Conninfo) {
        self.reading = reading
        self.target = target
    }

    public init(source: Conninfo, target: Conninfo, stream: StreamName, stateDirectory: String) {
        reading = SourceConfiguration(
            source: source, stream: stream, stateDirectory: stateDirectory)
        self.target = target
    }

    public subscript<Value>(
        dynamicMember property: WritableKeyPath<SourceConfiguration, Value>
    ) -> Value {
        get { reading[keyPath: property] }
        set { reading[keyPath: property] = newValue }
    }

    public subscript<Value>(
        dynamicMember property: KeyPath<SourceConfiguration, Value>
    ) -> Value {
        reading[keyPath: property]
    }

    public subscript<Value>(
        dynamicMember property: WritableKeyPath<TargetSettings, Value>
    ) -> Value {
        get { applying[keyPath: property] }
        set { applying[keyPath: property] = newValue }
    }

    public func wants(_ table: TableName) -> Bool { reading.wants(table) }

    var handling: ApplyHandling {
        ApplyHandling(applying, foldsChanges: foldsChanges, notesTruncates: true)
    }
}
