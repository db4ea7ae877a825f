internal import LeatCatalogs
internal import LeatCore
public import PGClient

/// The slots of a server, the most dangerous first, with the streams of a target that read them.
///
/// Reading it changes nothing: no slot is acquired.
public struct SlotOverview: Sendable {
    /// A slot, or a stream's need of one that is not there.
    public struct Entry: Sendable {
        public var name: String
        /// Nil if a stream needs it and the server does not have it.
        public var slot: ServerSlot?
        public var stream: SlotStream?
        public var danger: SlotDanger
    }

    public var entries: [Entry]
    public var limits: SlotLimits
    public var serverVersion: Int

    /// - Parameter names: Those slots only; all if empty.
    /// - Throws: ``Halt``: also if there is none of a name.
    public static func read(
        _ source: Conninfo, names: [String] = [], streams: SlotStreams.Known, command: String
    ) async throws -> SlotOverview {
        try await Connection.with(source, peer: .source, command: command) { session in
            let overview = try read(session, names: names, streams: streams)
            let missing = names.first { name in !overview.entries.contains { $0.name == name } }
            if let missing { throw SlotStreams.noSlot(missing) }
            return overview
        }.checked(streams)
    }

    /// A stream moves on while the source is read: a slot that seems to be ahead of it is compared
    /// with where it stands by now.
    private func checked(_ streams: SlotStreams.Known) async throws -> SlotOverview {
        let seemsAhead = entries.contains { $0.danger.findings.contains { $0.kind == .ahead } }
        guard seemsAhead, let later = try await streams.again?().streams else { return self }
        var overview = self
        overview.entries = entries.map { entry in
            guard let slot = entry.slot,
                let stream = later.first(where: { $0.stream == entry.stream?.stream })
            else { return entry }
            return Entry(
                name: entry.name, slot: slot, stream: stream,
                danger: SlotDanger(slot, within: limits, stream: stream))
        }
        overview.entries.sort { SlotDanger.isWorse($0.danger, than: $1.danger) }
        return overview
    }

    static func read(
        _ session: Session, names: [String], streams: SlotStreams.Known
    ) throws -> SlotOverview {
        let slots = try SlotCatalog.read(session, names: names)
        // After the slots: a slot is then never ahead of the end.
        let limits = try SlotCatalog.limits(session)
        let own = try streams.of(session)
        var entries = slots.map { slot in
            let stream = own.stream(of: slot)
            return Entry(
                name: slot.name, slot: slot, stream: stream,
                danger: SlotDanger(slot, within: limits, stream: stream))
        }
        let missing = own.streams.filter { stream in
            stream.state != "creating" && (names.isEmpty || names.contains(stream.slot))
                && !slots.contains { $0.name == stream.slot }
        }
        entries += missing.map { stream in
            Entry(name: stream.slot, stream: stream, danger: SlotDanger(missing: stream))
        }
        entries.sort { SlotDanger.isWorse($0.danger, than: $1.danger) }
        return SlotOverview(
            entries: entries, limits: limits, serverVersion: session.serverVersion)
    }
}
