/// Which of the server's errors pass by themselves. Nothing else reads SQLSTATEs for that.
public enum Transient {
    /// "PostgreSQL Error Codes" of the manual.
    private static let states: Set<String> = [
        "57P01",  // admin_shutdown
        "57P02",  // crash_shutdown
        "57P03",  // cannot_connect_now
        "40001",  // serialization_failure
        "40P01",  // deadlock_detected
        "57014",  // query_canceled: by somebody else than us
        "55006",  // object_in_use: the slot or origin is still held by our dead predecessor
        "55P03",  // lock_not_available
    ]

    /// 08: connection exceptions. 53: insufficient resources, such as a full disk.
    private static let classes: Set<Substring> = ["08", "53"]

    /// configuration_limit_exceeded, such as no free replication slot: it needs a person.
    private static let lasting: Set<String> = ["53400"]

    /// What fewer changes at once may not meet. 53200, out_of_memory: also the table of locks,
    /// of which a target transaction that stands for many of the source's takes more than each.
    public static func isOfSize(sqlState: String) -> Bool { sqlState == "53200" }

    public static func isTransient(sqlState: String) -> Bool {
        !lasting.contains(sqlState)
            && (states.contains(sqlState) || classes.contains(sqlState.prefix(2)))
    }
}
