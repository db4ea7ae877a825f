/// The states of a table's initial copy, PostgreSQL's own (`pg_subscription_rel`), as stored in
/// `leat.tables.state`.
public enum TableState: String, Sendable, CaseIterable {
    /// Listed, nothing copied. Set at every start for tables that are new to the stream.
    /// After a crash: copied under a new snapshot.
    case initial = "init"
    /// Its rows are being copied in an open transaction. Set by the copy worker before the
    /// rows. After a crash: none of them are there, so it is copied again.
    case dataSync = "datasync"
    /// Its rows are there as of `snapshot_lsn`, committed together with this state. Changes of
    /// transactions that end at or before `snapshot_lsn` are in them already. Final.
    case ready = "ready"
}
