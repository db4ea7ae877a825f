internal import LeatCatalogs
internal import LeatCore
public import PGClient
internal import PGWire

/// The streams whose positions a target keeps, matched with the slots of a source.
public enum SlotStreams {
    /// What a target says, or that none was asked.
    public struct Known: Sendable {
        let streams: [SlotStream]
        /// A target was read.
        public let isKnown: Bool
        /// Reads the target once more.
        let again: (@Sendable () async throws -> Known)?

        /// No target was given.
        public static let unknown = Known(streams: [], isKnown: false)

        init(
            streams: [SlotStream], isKnown: Bool,
            again: (@Sendable () async throws -> Known)? = nil
        ) {
            (self.streams, self.isKnown, self.again) = (streams, isKnown, again)
        }

        /// A target may hold streams of several sources: those of this one.
        func of(_ session: Session) throws -> Own {
            guard !streams.isEmpty else { return Own(streams: [], isKnown: isKnown) }
            let identifier = try session.query(
                "select system_identifier from pg_catalog.pg_control_system()"
            ).onlyRecord().text("system_identifier")
            return Own(
                streams: streams.filter { $0.systemIdentifier == identifier }, isKnown: isKnown)
        }
    }

    /// The streams of one source.
    struct Own {
        var streams: [SlotStream]
        var isKnown: Bool

        func stream(of slot: ServerSlot) -> SlotStream? {
            // The database may have been renamed; the names of slots are the cluster's.
            streams.first { $0.slot == slot.name }
        }
    }

    /// The streams that a target knows.
    ///
    /// - Throws: ``Halt``.
    public static func read(_ target: Conninfo, command: String) async throws -> Known {
        try await Connection.with(target, peer: .target, command: command) { session in
            Known(streams: try read(session), isKnown: true) {
                try await read(target, command: command)
            }
        }
    }

    private static func read(_ session: Session) throws -> [SlotStream] {
        guard try LeatSchema.isPresent("leat.progress", on: session) else { return [] }
        return try session.query(
            """
            select stream, state, end_lsn, \(SQLTime.rfc3339("commit_time")) as committed, slot,
              source_system_identifier, source_database
            from leat.progress order by stream
            """
        ).records.map { row in
            SlotStream(
                stream: try row.text("stream"), state: try row.text("state"),
                position: try row.lsn("end_lsn"), commitTime: try row.optionalText("committed"),
                slot: try row.text("slot"),
                systemIdentifier: try row.text("source_system_identifier"),
                database: try row.text("source_database"))
        }
    }

    /// The stream that a slot's name speaks of, where no target can say.
    static func streamName(of slot: ServerSlot) -> String? {
        guard slot.plugin == "pgoutput", slot.name.hasPrefix("leat_") else { return nil }
        return String(slot.name.dropFirst("leat_".count))
    }

    static func noSlot(_ name: String, exitCode: ExitCode = .configuration) -> Halt {
        Halt(
            exitCode, "The source has no slot \(name).",
            advice: "leat slot list shows those it has.")
    }
}
