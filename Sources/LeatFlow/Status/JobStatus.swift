package import LeatCore
internal import Synchronization

/// The place where the parts of a run put what ``JobSnapshot`` shows.
public final class JobStatus: Sendable {
    private struct State {
        var snapshot = JobSnapshot()
        /// Where tables stand in `snapshot.copies`; found anew when it no longer fits.
        var places: [TableName: Int] = [:]

        mutating func place(of table: TableName) -> Int? {
            if let place = places[table], place < snapshot.copies.count,
                snapshot.copies[place].table == table
            {
                return place
            }
            places = Dictionary(
                snapshot.copies.enumerated().map { ($1.table, $0) },
                uniquingKeysWith: { first, _ in first })
            return places[table]
        }
    }

    private let state = Mutex(State())

    public init() {}

    public var snapshot: JobSnapshot { state.withLock { $0.snapshot } }

    package func update(_ body: (inout JobSnapshot) -> Void) {
        state.withLock { body(&$0.snapshot) }
    }

    package func updateCopy(of table: TableName, _ body: (inout JobSnapshot.TableCopy) -> Void) {
        state.withLock { state in
            guard let place = state.place(of: table) else { return }
            body(&state.snapshot.copies[place])
        }
    }

    package func copy(of table: TableName) -> JobSnapshot.TableCopy? {
        state.withLock { state in state.place(of: table).map { state.snapshot.copies[$0] } }
    }
}
