internal import LeatCore

/// Whose rules hold while Leat writes to the target: what `--role` came to.
enum ApplyRole: Sendable, Equatable {
    /// `session_replication_role = replica`: foreign keys are not checked, and only triggers and
    /// rules that are ENABLE REPLICA or ALWAYS fire.
    case replica
    /// As any application: foreign keys are checked. What would fire is refused at the start.
    case plain
    /// As `plain`, with the user triggers of the followed tables disabled by Leat.
    case disableTriggers

    /// `tgenabled` and `ev_enabled` of what fires: O origin, R replica, A always.
    var firing: [String] { self == .replica ? ["R", "A"] : ["O", "A"] }

    /// What it costs, for the log.
    var cost: String {
        switch self {
        case .replica:
            """
            role replica: the target's foreign keys are not checked, and its triggers do not fire \
            unless they are ENABLE REPLICA or ALWAYS
            """
        case .plain:
            """
            role plain: the target checks foreign keys row by row, so tables that have any are \
            copied in their order and changed one row at a time, which is slower
            """
        case .disableTriggers:
            """
            role disable-triggers: the followed tables' triggers are disabled for every session \
            of the target until cleanup (see leat.triggers); foreign keys are checked as in role \
            plain, which is slower
            """
        }
    }
}
