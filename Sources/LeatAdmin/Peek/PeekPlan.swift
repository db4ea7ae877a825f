internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// What has to be known before the stream starts.
struct PeekPlan: Sendable {
    var slot: PeekedSlot
    var publications: [String]
    var end: LSN
    /// Of the source's WAL.
    var available: LSN

    init(_ request: SlotPeek.Request, on session: Session) throws {
        slot = try PeekedSlot.read(request.slot.text, on: session)
        publications = try PeekPlan.publications(for: request, on: session)
        let available = try SourceEnd.complete(session)
        if let until = request.until, until > available {
            throw Halt(
                .preflight, "\(until) is beyond the end of the source's WAL, \(available).",
                advice: "Leave it out to read to the end.")
        }
        end = request.until ?? available
        self.available = available
    }

    /// The publications that the slot's consumer reads are known to nobody but the consumer, and
    /// while that is connected to its walsender. For a slot of ours they have its name; and if
    /// there is one only, there is no choice.
    private static func publications(
        for request: SlotPeek.Request, on session: Session
    ) throws -> [String] {
        let existing = try session.query(
            "select pubname from pg_catalog.pg_publication order by 1"
        ).texts()
        guard request.publications.isEmpty else {
            if let missing = request.publications.first(where: { name in
                !existing.contains { $0.isSameName(as: name) }
            }) {
                throw Halt(
                    .configuration, "The source has no publication \(missing).",
                    advice: existing.isEmpty
                        ? "This database has none: see \"leat publication create\"."
                        : "There are: \(existing.joined(separator: ", ")).")
            }
            return request.publications
        }
        if let asked = try askedFor(request.slot.text, on: session) { return asked }
        if existing.contains(request.slot.text) { return [request.slot.text] }
        if existing.count == 1 { return existing }
        throw Halt(
            .configuration,
            existing.isEmpty
                ? """
                Changes are seen through a publication, and database \
                \(try session.query("select pg_catalog.current_database()").text()) has none.
                """
                : """
                The server does not know which publication the consumer of slot \(request.slot) \
                reads. There are: \(existing.joined(separator: ", ")).
                """,
            advice: existing.isEmpty
                ? "Make one: leat publication create. It shows changes made after that only."
                : "Name it: --publication \(ShellText.word(existing[0]))",
            kind: .publicationUnknown)
    }

    /// What the slot's walsender was asked to send; nil if there is none, or it is hidden from the
    /// role.
    private static func askedFor(_ slot: String, on session: Session) throws -> [String]? {
        try session.query(
            """
            select a.query from pg_catalog.pg_replication_slots s
            join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
            where s.slot_name = $1
            """, with: [slot]
        ).firstRecord?.optionalText("query").flatMap(StartReplicationCommand.init)?.publications
    }
}
