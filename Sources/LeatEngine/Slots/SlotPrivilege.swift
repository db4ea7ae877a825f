internal import LeatCore
internal import PGClient

/// The right that everything needs which changes a slot.
enum SlotPrivilege {
    static func halt(_ error: ConnectionError) -> Halt {
        Halt(
            .source, "The source role may not use replication slots: \(error).",
            advice: """
                As an administrator: alter role ... replication; \
                (Amazon RDS: grant rds_replication to ...;)
                """)
    }
}
