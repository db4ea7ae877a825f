public import LeatCore
public import PGClient
public import PGWire

/// What `leat sync` was asked to do.
public struct SyncConfiguration: Sendable {
    public enum Binary: String, Sendable, CaseIterable {
        case auto, on, off
    }

    public enum Origin: String, Sendable, CaseIterable {
        case any, none
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

    public enum End: Sendable, Equatable {
        case lsn(LSN)
        /// The end of the source's WAL when the stream starts.
        case now
    }

    public var source: Conninfo
    public var target: Conninfo
    public var stream: StreamName
    /// Existing publications to use as they are; empty: one of the stream's own.
    public var publications: [String] = []
    public var slot: SlotName?
    /// Empty: all.
    public var tables: [TablePattern] = []
    public var excluded: [TablePattern] = []
    public var copiesTables = true
    public var stopsAfterCopy = false
    public var truncatesTables = false
    public var copyJobs = 2
    public var end: End?
    public var streaming = true
    public var binary = Binary.off
    public var origin = Origin.any
    public var role = Role.auto
    public var conflicts = ConflictPolicies()
    /// Whether messages and `leat.conflicts` may hold the values of keys.
    public var showsValues = false
    public var holdBack: Duration = .zero
    public var statusInterval: Duration = .seconds(10)
    public var stateDirectory: String

    public init(source: Conninfo, target: Conninfo, stream: StreamName, stateDirectory: String) {
        self.source = source
        self.target = target
        self.stream = stream
        self.stateDirectory = stateDirectory
    }

    var handling: ApplyHandling {
        ApplyHandling(role: role, conflicts: conflicts, showsValues: showsValues)
    }

    public var slotName: String { slot?.text ?? stream.objectName }

    /// A publication of the stream's own, made and kept by Leat.
    public var ownsPublication: Bool { publications.isEmpty }

    public var publicationNames: [String] {
        ownsPublication ? [stream.objectName] : publications
    }

    public func wants(_ table: TableName) -> Bool {
        guard table.schema != "leat" else { return false }
        let isListed = tables.isEmpty || tables.contains { $0.matches(table) }
        return isListed && !excluded.contains { $0.matches(table) }
    }
}
