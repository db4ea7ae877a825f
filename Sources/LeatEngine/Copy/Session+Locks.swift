internal import PGClient

/// A transaction that copies thousands of tables one after the other would fill the server's table
/// of locks with those of tables and indexes that it has done with. Its snapshot stays.
extension Session {
    /// Before a table is read.
    func markLocks() throws {
        try execute("savepoint leat_table")
    }

    /// The transaction holds no more locks than at the mark.
    func releaseLocks() throws {
        try execute("rollback to savepoint leat_table; release savepoint leat_table")
    }
}
