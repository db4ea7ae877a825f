internal import LeatCore
internal import PGWire
internal import Synchronization

/// Columns of followed tables whose values go nowhere, because the target has dropped its own and
/// the source has not: shared by all who find ways to the target.
final class LeftOutColumns: Sendable {
    private let columns = Mutex<[RelationID: [Int: String]]>([:])

    /// - Parameter numbers: The source's, with their names.
    func set(_ numbers: [Int: String], of table: RelationID) {
        columns.withLock { columns in
            guard !numbers.isEmpty || columns[table] != nil else { return }
            columns[table] = numbers
        }
    }

    var all: [RelationID: [Int: String]] { columns.withLock { $0 } }
}
