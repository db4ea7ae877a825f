import Foundation
import LeatCore
import LeatAdmin
import PGWire
import Synchronization

/// A slot's lag for people, and for monitoring systems.
enum SlotLagText {
    static func once(_ lag: SlotLag, asJSON isJSON: Bool) throws -> String {
        guard !isJSON else { return try JSONOutput.text(SlotLagReport(lag)) }
        let reader = lag.slot.holder.map { "active, pid \($0.pid)" } ?? "nobody reads it"
        var lines = [
            "slot        \(lag.slot.name)  \(reader)",
            "lag         \(behind(lag))",
            "confirmed   \(lag.position), WAL end \(lag.limits.walEnd)",
        ]
        if let kept = lag.slot.retainedBytes(at: lag.limits.walEnd) {
            let share = lag.slot.retainedShare(lag.limits).map {
                ", \(Units.percent($0)) of max_slot_wal_keep_size"
            }
            lines.append("keeps       \(Units.bytes(kept)) of WAL\(share ?? ", no limit")")
        }
        if let stream = lag.stream {
            let bytes = stream.position.distance(to: lag.limits.walEnd)
            lines.append(
                "stream      \(stream.stream) at \(stream.position), \(Units.bytes(bytes)) behind")
        }
        return lines.joined(separator: "\n")
    }

    /// What is a lower bound says so.
    static func age(_ lag: SlotLag) -> String? {
        guard let seconds = lag.seconds.map(Units.duration), let clock = lag.secondsFrom else {
            return nil
        }
        switch clock {
        case .nothing, .walsender: return seconds
        case .walFile, .checkpoint, .watch: return "at least \(seconds)"
        }
    }

    private static func behind(_ lag: SlotLag) -> String {
        [Units.bytes(lag.bytes), age(lag)].compactMap { $0 }.joined(separator: ", ")
    }

    /// `SLOT OK - leat_main: 1.2 MiB, 0.5 s behind | lag_bytes=1258291B;...`
    static func check(
        _ lag: SlotLag, state: LagState, warning: [LagThreshold], critical: [LagThreshold]
    ) -> String {
        let bytes = ";\(bound(warning, isBytes: true));\(bound(critical, isBytes: true))"
        let seconds = ";\(bound(warning, isBytes: false));\(bound(critical, isBytes: false))"
        let kept = lag.slot.retainedBytes(at: lag.limits.walEnd) ?? 0
        // U is what plugins print for a value that they could not find out.
        let age = lag.seconds.map { String(format: "%.1fs", $0) } ?? "U"
        return """
            SLOT \(state.name) - \(lag.slot.name): \(behind(lag)) behind\
            \(lag.slot.isActive ? "" : ", nobody reads it") | lag_bytes=\(lag.bytes)B\(bytes) \
            lag_seconds=\(age)\(seconds) retained_bytes=\(kept)B
            """
    }

    /// The lowest of a kind, which is the one that counts.
    private static func bound(_ thresholds: [LagThreshold], isBytes: Bool) -> String {
        let values = thresholds.compactMap { threshold -> Double? in
            switch threshold {
            case .bytes(let bytes): isBytes ? Double(bytes) : nil
            case .seconds(let seconds): isBytes ? nil : seconds
            }
        }
        return values.min().map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" } ?? ""
    }
}

/// Lag over time, a line for each look, with what happened between two.
final class LagSeries: Sendable {
    private struct Look {
        var lag: SlotLag
        var time: Duration
    }

    private struct State {
        var history = LagHistory()
        var last: Look?
    }

    private let isJSON: Bool
    private let start = ContinuousClock.now
    private let state = Mutex(State())
    private static let widths = [20, 10, 14, 12, 12, 10]

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    func next(_ measured: SlotLag) throws -> String {
        let now = Look(lag: measured, time: .now - start)
        let (look, last) = state.withLock { state in
            var look = now
            state.history.saw(look.lag.limits.walEnd, at: look.time)
            let age = state.history.age(of: look.lag.position, at: look.time)
            look.lag.note(age.map { $0 / .seconds(1) }, of: .watch)
            defer { state.last = look }
            return (look, state.last)
        }
        guard !isJSON else { return try JSONOutput.text(SlotLagReport(look.lag), isLine: true) }
        let line = self.line(look, since: last)
        guard last == nil else { return line }
        let titles = ["TIME", "LAG", "AGE", "WRITTEN/S", "READ/S", "KEEPS", "STATE"]
        return columns(titles) + "\n" + line
    }

    private func line(_ look: Look, since last: Look?) -> String {
        let (written, read) = rates(look, since: last)
        let time = Date.now.formatted(.iso8601)
        let kept = look.lag.slot.retainedBytes(at: look.lag.limits.walEnd)
        return columns([
            time, Units.bytes(look.lag.bytes), look.lag.seconds.map(Units.duration) ?? "-",
            written.map(Units.bytes) ?? "-", read.map(Units.bytes) ?? "-",
            kept.map(Units.bytes) ?? "-", note(look, written: written, read: read),
        ])
    }

    private func rates(_ look: Look, since last: Look?) -> (written: Int?, read: Int?) {
        guard let last, look.time > last.time else { return (nil, nil) }
        let seconds = (look.time - last.time) / .seconds(1)
        func rate(from: LSN, to: LSN) -> Int { Int(Double(from.distance(to: to)) / seconds) }
        return (
            rate(from: last.lag.limits.walEnd, to: look.lag.limits.walEnd),
            rate(from: last.lag.position, to: look.lag.position)
        )
    }

    private func note(_ look: Look, written: Int?, read: Int?) -> String {
        guard look.lag.slot.isActive else { return "idle" }
        guard let written, let read, read > written, look.lag.bytes > 1 << 20 else {
            return "active"
        }
        let left = Double(look.lag.bytes) / Double(read - written)
        return "active, there in \(Units.duration(seconds: left))"
    }

    private func columns(_ cells: [String]) -> String {
        zip(cells, LagSeries.widths).map { cell, width in
            String(repeating: " ", count: max(width - cell.count, 0)) + cell
        }.joined(separator: "  ") + "  \(cells[cells.count - 1])"
    }
}
