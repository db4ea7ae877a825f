internal import LeatCatalogs
public import LeatCore
public import PGClient
public import PGWire

/// Reads what a logical slot holds, from its confirmed position on, and consumes nothing.
///
/// What is read is a *temporary copy* of the slot, which the server removes with the session,
/// however that ends. The slot itself is not touched: it may be in use meanwhile, and neither its
/// positions nor its catalog xmin move. Reading from the slot itself would move them, even when
/// nothing is confirmed: decoding passes points at or before the confirmed position from which a
/// next start could begin, and the server takes them at once as the slot's `restart_lsn`. In
/// exchange one replication slot must be free
/// ([decision 0007](../../../Docs/decisions/0007-peek-reads-a-copy-of-the-slot.md)).
///
/// Memory does not grow with the number of rows or transactions, nor with their size; except for
/// transactions in progress with very many subtransactions.
///
///     let peek = SlotPeek(SlotPeek.Request(source: source, slot: name, until: position))
///     let report = try await peek.run { event in
///         if case .committed(let transaction) = event { count(transaction.changes) }
///         return true
///     }
///
/// With ``Request/until`` it tells exactly the transactions that confirming the slot to there
/// would skip.
public struct SlotPeek: Sendable {
    public struct Request: Sendable {
        public var source: Conninfo
        public var slot: SlotName
        /// Through which publications the changes are seen; empty: those of the slot's consumer,
        /// as far as they can be known.
        public var publications: [String] = []
        /// Those that are looked for; empty: all, and logical messages.
        public var tables: [TablePattern] = []
        /// Transactions are read whose commit record begins before it; nil: up to the end of
        /// the WAL as it is at the start.
        public var until: LSN?
        /// Tell each change with its values. Transactions in progress then do not show.
        public var showsChanges = false
        /// What `application_name` says.
        public var command = "leat slot peek"

        public init(source: Conninfo, slot: SlotName, until: LSN? = nil) {
            self.source = source
            self.slot = slot
            self.until = until
        }
    }

    /// How far it came, and what the stream alone does not tell.
    public struct Report: Sendable {
        public var slot: PeekedSlot
        public var publications: [String]
        /// Transactions that commit at or after it were not read.
        public var end: LSN
        /// The caller wanted no more before that.
        public var isStopped: Bool
        /// Have come in part, and neither committed nor rolled back before the end. Only large
        /// ones come before they commit.
        public var inProgress: [UncommittedTransaction]
        /// What the server complained of, each once.
        public var warnings: [String]
    }

    let request: Request

    public init(_ request: Request) {
        self.request = request
    }

    /// - Parameters:
    ///   - progress: Told now and then how far the server has read, and how far it will.
    ///   - event: Takes transactions in commit order, on a thread that may wait; says whether it
    ///     wants more. An error that it throws ends the reading.
    /// - Throws: ``Halt``, or what `event` throws.
    public func run(
        progress: @Sendable (_ position: LSN, _ end: LSN) -> Void = { _, _ in },
        _ event: @Sendable (PeekAssembler.Event) throws -> Bool
    ) async throws -> Report {
        let request = request
        let plan = try await Connection.with(
            request.source, peer: .source, command: request.command
        ) { session in
            try PeekPlan(request, on: session)
        }
        return try await Connection.halting(as: .source) {
            let connection = Connection(label: "leat.peek")
            return try await closing(connection) {
                try await connection.open(
                    request.source,
                    options: .init(
                        peer: .source, applicationName: request.command, isReplication: true))
                return try await connection.run { session in
                    try PeekSession(session: session, request: request, plan: plan)
                        .read(telling: progress, giving: event)
                }
            }
        }
    }
}
