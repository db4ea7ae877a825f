internal import PGWire

/// The right to move the stream's position, with where its row lies and what it says.
///
/// There is one in a process, of whichever session applies next; it moves from session to session where
/// they take turns. It cannot be copied, so a session that has handed it over cannot move the position,
/// and two never both believe that they may: the compiler sees to that. That the row is still as it was
/// left is seen by the compare-and-set of each commit, which is about other processes.
struct PositionToken: ~Copyable, Sendable {
    let end: LSN
    let ctid: String

    /// - Parameter end: Of the row, read under the stream's lock.
    init(foundAt end: LSN, ctid: String) {
        self.end = end
        self.ctid = ctid
    }

    /// A commit has moved the row, and with it what was known of the old one is over.
    consuming func moved(to end: LSN, ctid: String) -> PositionToken {
        PositionToken(foundAt: end, ctid: ctid)
    }
}
