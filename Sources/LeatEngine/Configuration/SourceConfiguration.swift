public import LeatCore
public import PGClient
public import PGWire

/// Which stream a command reads, from where, and how: the same whatever takes it.
public struct SourceConfiguration: Sendable {
    public enum Origin: String, Sendable, CaseIterable {
        case any, none
    }

    public enum End: Sendable, Equatable {
        case lsn(LSN)
        /// The end of the source's WAL when the stream starts.
        case now

        /// Whether it is behind this, which was the end of the WAL just now.
        static func > (end: End, lsn: LSN) -> Bool {
            switch end {
            case .now: true
            case .lsn(let end): end > lsn
            }
        }
    }

    public var source: Conninfo
    public var stream: StreamName
    /// Existing publications to use as they are; empty: one of the stream's own.
    public var publications: [String] = []
    /// What those are called in the WAL that is read, if that differs from what they are called
    /// now.
    var namesInStream: [String]?
    public var slot: SlotName?
    public var selection = Selection()
    /// Whether a new table that cannot be followed refuses a later start.
    public var isStrict = false
    public var end: End?
    public var streaming = true
    public var origin = Origin.any
    public var holdBack: Duration = .zero
    public var statusInterval: Duration = .seconds(10)
    /// Warn when the slot keeps more WAL than this, in bytes.
    public var maxRetainedWAL: UInt64?
    public var stateDirectory: String

    public init(source: Conninfo, stream: StreamName, stateDirectory: String) {
        self.source = source
        self.stream = stream
        self.stateDirectory = stateDirectory
    }

    /// How often the source's catalog is looked at: each minute, unless the stream is asked to be
    /// quicker in everything.
    var lookInterval: Duration {
        min(.seconds(60), max(statusInterval * 6, .seconds(1)))
    }

    public var slotName: String { slot?.text ?? stream.objectName }

    /// A publication of the stream's own, made and kept by Leat.
    public var ownsPublication: Bool { publications.isEmpty }

    public var publicationNames: [String] {
        ownsPublication ? [stream.objectName] : publications
    }

    public func wants(_ table: TableName) -> Bool { selection.wants(table) }
}
