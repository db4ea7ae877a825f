internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Where a stream's position is kept, with the data it speaks of.
///
/// One that is kept elsewhere is another type, beside the code of what keeps it: a start asks for
/// nothing else. While the stream flows, what stores the data moves the position with it (its
/// `BatchSink`).
///
/// What a crash leaves at the beginning of a stream: after ``writeCreating(_:)``, perhaps a slot that
/// nobody has read, which is made again; after ``begin(_:at:of:)``, a stream that goes on.
protocol PositionKeeper: Sendable {
    /// All that is kept of the stream.
    associatedtype Kept: Sendable
    /// What the job needs of the beginning.
    associatedtype Begun: Sendable = Void

    /// What a refused start says of it.
    var words: KeeperWords { get }

    /// Nil if nothing is there of the stream.
    func read() async throws -> Kept?

    /// What of it a start is compared with; nil if the stream is to begin as one that is unknown.
    func stored(_ kept: Kept) throws -> StartFacts.Stored?

    /// Before anything is made on the source, and on disk when it returns. Of a slot that is taken
    /// over it must never say that it is the stream's to drop.
    func writeCreating(_ stream: NewStream) async throws

    /// The slot stands at the point: the stream has begun.
    func begin(
        _ stream: NewStream, at point: NewStream.Point, of tables: [SourceTable]
    ) async throws -> Begun
}

/// A stream that begins.
struct NewStream: Sendable {
    let system: SystemIdentity
    /// Of the source's database.
    let databaseOID: UInt32?
    /// Whether the slot is made by the stream, and dropped with it, or was there.
    let ownsSlot: Bool

    init(system: SystemIdentity, databaseOID: UInt32?, ownsSlot: Bool) {
        self.system = system
        self.databaseOID = databaseOID
        self.ownsSlot = ownsSlot
    }

    init(on system: SystemIdentity, by decision: StartDecision, given facts: StartFacts) {
        let adopts = if case .adopt = decision { true } else { false }
        self.init(system: system, databaseOID: facts.databaseOID, ownsSlot: !adopts)
    }

    /// Where its slot stands.
    struct Point: Sendable {
        let position: LSN
        /// One that was just made: its snapshot is there until the next command of its connection.
        /// Nil where it was taken over.
        let slot: CreatedSlot?
    }
}
