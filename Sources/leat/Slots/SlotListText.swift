import LeatCore
import LeatAdmin

/// The slots of a server for people.
struct SlotListText {
    private let overview: SlotOverview
    private let style: TextStyle
    private static let indent = 5

    init(_ overview: SlotOverview, style: TextStyle) {
        (self.overview, self.style) = (overview, style)
    }

    // MARK: A line each

    func table() -> String {
        guard !overview.entries.isEmpty else { return "no slots" }
        var table = TextTable(columns: [
            .init(title: ""), .init(title: "SLOT"),
            .init(title: "PLUGIN", dispensable: 3), .init(title: "DATABASE", dispensable: 5),
            .init(title: "STATE"), .init(title: "READER", dispensable: 6),
            .init(title: "KEEPS", side: .right),
            .init(title: "OF LIMIT", side: .right, dispensable: 2),
            .init(title: "SAFE FOR", side: .right, dispensable: 4),
            .init(title: "LAG", side: .right, dispensable: 1),
            .init(title: "STREAM", dispensable: 7),
        ])
        table.rows = overview.entries.map(row)
        return (table.lines(style) + ["", footer()]).joined(separator: "\n")
    }

    private func row(_ entry: SlotOverview.Entry) -> TextTable.Row {
        let (slot, limits) = (entry.slot, overview.limits)
        let share = slot?.retainedShare(limits).map(Units.percent)
        return TextTable.Row(
            cells: [
                mark(entry.danger.level), entry.name,
                slot?.plugin ?? slot.map { $0.kind.rawValue } ?? "", slot?.database ?? "",
                state(entry), slot?.holder.map(reader) ?? "",
                slot?.retainedBytes(at: limits.walEnd).map(Units.bytes) ?? "-", share ?? "",
                slot.flatMap(safe) ?? "",
                slot?.lagBytes(at: limits.walEnd).map(Units.bytes) ?? "-",
                entry.stream?.stream ?? "",
            ],
            paint: paint(entry.danger.level), notes: notes(entry))
    }

    private func safe(_ slot: ServerSlot) -> String? {
        guard slot.restartLSN != nil, !slot.isLost else { return nil }
        return slot.safeWALBytes.map { Units.bytes(max($0, 0)) }
    }

    private func notes(_ entry: SlotOverview.Entry) -> [String] {
        entry.danger.findings.filter { $0.level >= .warning }.flatMap { finding in
            style.wrapped(finding.message, indent: Self.indent).map(paint(finding.level))
                + (finding.advice.map { style.wrapped($0, indent: Self.indent).map(style.dim) }
                    ?? [])
        }
    }

    private func mark(_ level: SlotFinding.Level) -> String {
        switch level {
        case .critical: "!!"
        case .warning: "!"
        case .notice, .ok: ""
        }
    }

    private func paint(_ level: SlotFinding.Level) -> (String) -> String {
        switch level {
        case .critical: style.red
        case .warning: style.yellow
        case .notice, .ok: { $0 }
        }
    }

    private func state(_ entry: SlotOverview.Entry) -> String {
        guard let slot = entry.slot else { return "missing" }
        if slot.isLost { return "lost" }
        if slot.isSynced == true { return slot.isTemporary ? "not ready" : "synced" }
        if slot.isBeingCreated { return "creating" }
        if slot.isActive { return slot.isTemporary ? "temporary" : "active" }
        if slot.restartLSN == nil { return "unused" }
        return slot.inactiveSeconds.map { "idle \(Units.duration(seconds: $0))" } ?? "idle"
    }

    private func reader(_ holder: ServerSlot.Holder) -> String {
        holder.application.map { "\($0) (\(holder.pid))" } ?? "pid \(holder.pid)"
    }

    private func footer() -> String {
        let number = overview.entries.count { $0.slot != nil }
        let kept = overview.entries.compactMap { entry in
            entry.slot?.retainedBytes(at: overview.limits.walEnd)
        }.max()
        let limit = overview.limits.slotKeepBytes.map(Units.bytes) ?? "not set"
        return style.dim(
            """
            \(number) slot\(number == 1 ? " keeps" : "s keep") \(Units.bytes(kept ?? 0)) of WAL up \
            to \(overview.limits.walEnd); max_slot_wal_keep_size \(limit)
            """)
    }

    // MARK: In full

    func details() -> String {
        overview.entries.map { block($0).joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private func block(_ entry: SlotOverview.Entry) -> [String] {
        let title = [mark(entry.danger.level), entry.name].filter { !$0.isEmpty }
        var lines = [paint(entry.danger.level)(style.bold(title.joined(separator: " ")))]
        for (label, value) in SlotDetails(of: entry, within: overview.limits).lines {
            let wrapped = style.wrapped(value, indent: 16, firstIndent: 0)
            lines.append("  " + style.dim(label.padded(to: 14)) + wrapped[0])
            lines += wrapped.dropFirst()
        }
        return lines + notes(entry)
    }
}

extension String {
    /// With spaces behind it.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(width - count, 0))
    }
}
