public import PGWire

/// A timeline history file: where each older timeline ended. "Timelines" in the manual.
public struct TimelineHistory: Sendable {
    private var ends: [UInt32: LSN] = [:]

    /// Lines that are not `timeline <tab> LSN ...` are comments.
    public init(_ content: String) {
        for line in content.split(separator: "\n") {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 2, let timeline = UInt32(fields[0]),
                let end = LSN(String(fields[1]))
            else { continue }
            ends[timeline] = end
        }
    }

    public func end(of timeline: UInt32) -> LSN? { ends[timeline] }
}
