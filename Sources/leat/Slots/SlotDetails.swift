import LeatCore
import LeatAdmin
import PGWire

/// Everything about one slot, as labelled lines.
struct SlotDetails {
    private(set) var lines: [(label: String, value: String)] = []

    init(of entry: SlotOverview.Entry, within limits: SlotLimits) {
        if let slot = entry.slot {
            add("type", value: SlotDetails.type(slot))
            add("reader", value: SlotDetails.reader(slot))
            add("wal status", value: SlotDetails.status(slot))
            add("keeps", value: SlotDetails.kept(by: slot, within: limits))
            add("confirmed", value: SlotDetails.confirmed(by: slot, within: limits))
            add("xmin", value: SlotDetails.age(of: slot.xmin, age: slot.xminAge))
            add(
                "catalog xmin",
                value: SlotDetails.age(of: slot.catalogXmin, age: slot.catalogXminAge))
            add("options", value: SlotDetails.options(slot))
            add("decoded", value: slot.statistics.map(SlotDetails.statistics))
        }
        add("stream", value: entry.stream.map { SlotDetails.stream($0, within: limits) })
    }

    private mutating func add(_ label: String, value: String?) {
        if let value, !value.isEmpty { lines.append((label, PrintedText.line(value))) }
    }

    private static func type(_ slot: ServerSlot) -> String {
        guard slot.kind == .logical else { return "physical" }
        return "logical, plugin \(slot.plugin ?? "?"), database \(slot.database ?? "?")"
    }

    private static func reader(_ slot: ServerSlot) -> String {
        if let holder = slot.holder {
            let parts = [
                "pid \(holder.pid)", holder.application, holder.role.map { "role \($0)" },
                holder.client.map { "from \($0)" }, holder.since.map { "since \($0)" },
            ]
            return parts.compactMap { $0 }.joined(separator: ", ")
        }
        return slot.inactiveSince.map { "nobody, since \($0)" } ?? "nobody"
    }

    private static func status(_ slot: ServerSlot) -> String? {
        [slot.walStatus?.rawValue, slot.invalidationReason].compactMap { $0 }
            .joined(separator: ", ")
    }

    private static func kept(by slot: ServerSlot, within limits: SlotLimits) -> String? {
        guard let bytes = slot.retainedBytes(at: limits.walEnd), let start = slot.restartLSN else {
            return "no WAL"
        }
        var text = "\(Units.bytes(bytes)) of WAL from \(start)"
        if let share = slot.retainedShare(limits) {
            text += ", \(Units.percent(share)) of max_slot_wal_keep_size"
        }
        return text
            + (slot.safeWALBytes.map { "; safe for \(Units.bytes(max($0, 0))) more" }
                ?? "; no limit")
    }

    private static func confirmed(by slot: ServerSlot, within limits: SlotLimits) -> String? {
        guard let confirmed = slot.confirmedFlushLSN else { return nil }
        let lag = slot.lagBytes(at: limits.walEnd).map { ", \(Units.bytes($0)) behind" } ?? ""
        let time = slot.holder?.flushLagSeconds.map { ", \(Units.duration(seconds: $0))" } ?? ""
        return "\(confirmed)\(lag)\(time)"
    }

    private static func age(of xid: String?, age: Int?) -> String? {
        xid.map { "\($0), \(Units.count(age ?? 0)) transaction\(age == 1 ? "" : "s") old" }
    }

    private static func options(_ slot: ServerSlot) -> String {
        [
            ("temporary", slot.isTemporary), ("two-phase", slot.isTwoPhase == true),
            ("failover", slot.isFailover == true), ("synced", slot.isSynced == true),
        ].filter(\.1).map(\.0).joined(separator: ", ")
    }

    private static func statistics(_ numbers: ServerSlot.Statistics) -> String {
        """
        \(numbers.totalTxns) transaction\(numbers.totalTxns == 1 ? "" : "s"), \(Units.bytes(numbers.totalBytes)); \
        spilled \(numbers.spillTxns), \(Units.bytes(numbers.spillBytes)) \
        in \(numbers.spillCount) writes; \
        streamed \(numbers.streamTxns), \(Units.bytes(numbers.streamBytes))
        """
    }

    private static func stream(_ stream: SlotStream, within limits: SlotLimits) -> String {
        let lag = Units.bytes(stream.position.distance(to: limits.walEnd))
        let time = stream.commitTime.map { ", last transaction of \($0)" } ?? ""
        return "\(stream.stream), position \(stream.position), \(lag) behind\(time)"
    }
}
