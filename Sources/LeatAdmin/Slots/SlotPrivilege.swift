internal import LeatCore
internal import PGClient

/// The right that everything needs which changes a slot.
enum SlotPrivilege {
    static func halt(_ error: ConnectionError) -> Halt {
        let role = SQLText.identifier(error.role ?? "")
        return Halt(
            .source, "The source role may not use replication slots: \(error).",
            advice: """
                As an administrator:
                alter role \(role) replication;
                (Amazon RDS: grant rds_replication to \(role);)
                """)
    }
}
