/// The names under which every command prints where a change stands and what it is.
///
/// `Docs/reference/json.md` lists them.
public enum ChangeField: String, CodingKey, CaseIterable, Sendable {
    case lsn
    case commitLSN = "commit_lsn"
    case xid
    case commitTime = "commit_time"
    case origin, operation, table, tables
}
