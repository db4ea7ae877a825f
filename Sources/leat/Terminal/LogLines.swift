import Foundation
import Logging
import PGWire

/// Writes log records to standard error, as text or as one JSON object a line.
struct LogLines: LogHandler {
    let format: LogOptions.Format
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    init(_ options: LogOptions) {
        format = options.logFormat
        logLevel = options.verbose ? .debug : .info
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let time = Date().formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true)
                .timeZone(separator: .omitted))
        switch format {
        case .text:
            Terminal.shared.print(
                text(time, level: event.level, message: "\(event.message)", fields: fields))
        case .json:
            Terminal.shared.print(
                json(time, level: event.level, message: "\(event.message)", fields: fields))
        }
    }

    private func text(
        _ time: String, level: Logger.Level, message: String, fields: Logger.Metadata
    ) -> String {
        let pairs = fields.sorted { $0.key < $1.key }
            .map { " \($0.key)=\(PrintedText.line("\($0.value)"))" }
        return "\(time) \(label(level)) \(LogLines.unforged(message))\(pairs.joined())"
    }

    /// A message has several lines where its advice has; none of them looks like another record.
    private static func unforged(_ message: String) -> String {
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropFirst().reduce(into: String(lines[0])) { text, line in
            let isForged = line.prefixMatch(of: #/\s*[0-9]{4}-[0-9]{2}-[0-9]{2}/#) != nil
            text += (isForged ? "\\n" : "\n") + line
        }
    }

    private func label(_ level: Logger.Level) -> String {
        let name = level.rawValue
        guard Terminal.shared.usesColour else { return name }
        switch level {
        case .trace, .debug: return "\u{1B}[2m\(name)\u{1B}[0m"
        case .info, .notice: return name
        case .warning: return "\u{1B}[33m\(name)\u{1B}[0m"
        case .error, .critical: return "\u{1B}[31m\(name)\u{1B}[0m"
        }
    }

    private func json(
        _ time: String, level: Logger.Level, message: String, fields: Logger.Metadata
    ) -> String {
        var object = fields.mapValues { "\($0)" }
        object["time"] = time
        object["level"] = level.rawValue
        object["message"] = message
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(object)) ?? Data()
        return PrintedText.json(String(decoding: data, as: UTF8.self))
    }
}

extension Logger {
    init(_ options: LogOptions) {
        self.init(label: "leat") { _ in LogLines(options) }
    }
}
