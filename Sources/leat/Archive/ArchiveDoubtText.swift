import LeatCore

/// From where on an archive may have other rows than its source, as `archive info` and `verify` tell
/// it.
struct ArchiveDoubtText: Encodable {
    var table: String
    var from: String
    /// The base that ends it.
    var to: String?
    var reason: String

    init(_ doubt: ArchiveDoubt) {
        table = "\(doubt.table)"
        from = "\(doubt.since)"
        to = doubt.until.map { "\($0)" }
        reason = doubt.reason
    }

    var text: String {
        let end = to.map { "to base \($0)" } ?? "on; record a new base (--new-base)"
        return "table \(table) from \(from) \(end): \(reason)"
    }
}
