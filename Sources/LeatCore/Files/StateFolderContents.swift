/// What lies in a folder that is to be a stream's state folder, and whether it may be.
///
/// Such a folder is emptied by a start and removed by `leat cleanup`, so it is only ever one that
/// Leat has marked, with a file that names the stream.
public struct StateFolderContents: Equatable, Sendable {
    public enum Decision: Equatable, Sendable {
        /// It is this stream's.
        case use
        /// Empty, or from a version that did not mark its folders.
        case mark
        case ofAnotherStream(String)
        /// The marker says nothing.
        case damagedMarker
        /// Files that Leat has not made.
        case foreign([String])
    }

    public static let markerName = "leat-state"
    public static let lockName = "lock"
    public static let haltName = "halt.json"
    public static let spoolName = "spool"
    private static let title = "leat-state 1"

    /// Of the folder, without those of other streams' state folders.
    public var names: [String]
    /// Of the folder `spool` in it.
    public var spoolNames: [String]
    /// Nil: there is none.
    public var marker: String?

    public init(names: [String], spoolNames: [String], marker: String?) {
        self.names = names
        self.spoolNames = spoolNames
        self.marker = marker
    }

    /// What the marker of a stream says.
    public static func marker(of stream: StreamName) -> String {
        "\(title)\nstream \(stream.text)\n"
    }

    /// Of a large transaction: its ID.
    public static func isSpoolFile(_ name: String) -> Bool {
        UInt32(name).map { "\($0)" == name } ?? false
    }

    public func decision(for stream: StreamName) -> Decision {
        if let marker { return StateFolderContents.decision(marker, for: stream) }
        let own = [
            StateFolderContents.lockName, StateFolderContents.haltName,
            StateFolderContents.spoolName, StateFolderContents.markerName + ".new",
        ]
        let foreign =
            names.filter { !own.contains($0) }
            + spoolNames.filter { !StateFolderContents.isSpoolFile($0) }
            .map { "\(StateFolderContents.spoolName)/\($0)" }
        guard foreign.isEmpty else { return .foreign(foreign.sorted()) }
        // Each version has made a lock before anything else.
        let rest = names.filter { $0 != StateFolderContents.markerName + ".new" }
        guard rest.isEmpty || rest.contains(StateFolderContents.lockName) else {
            return .foreign(rest.sorted())
        }
        return .mark
    }

    private static func decision(_ marker: String, for stream: StreamName) -> Decision {
        guard marker != StateFolderContents.marker(of: stream) else { return .use }
        let lines = marker.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 3, lines[0] == title, lines[1].hasPrefix("stream "),
            let other = StreamName(String(lines[1].dropFirst(7)))
        else { return .damagedMarker }
        return .ofAnotherStream(other.text)
    }
}
