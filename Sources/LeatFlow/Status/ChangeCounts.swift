internal import PGWire

/// How many changes of each kind.
public struct ChangeCounts: Sendable, Equatable {
    /// Rows that were inserted.
    public var inserts = 0
    /// Rows that were updated, their key or not.
    public var updates = 0
    /// Rows that were deleted.
    public var deletes = 0
    /// Tables that were truncated, each by itself.
    public var truncates = 0

    /// None of any kind.
    public init() {}

    /// Of all kinds together.
    public var total: Int { inserts + updates + deletes + truncates }

    mutating func count(_ kind: Change.Kind) {
        switch kind {
        case .insert: inserts += 1
        case .update: updates += 1
        case .delete: deletes += 1
        case .truncate: truncates += 1
        case .message: break
        }
    }

    static func += (counts: inout ChangeCounts, more: ChangeCounts) {
        counts.inserts += more.inserts
        counts.updates += more.updates
        counts.deletes += more.deletes
        counts.truncates += more.truncates
    }

    /// With PostgreSQL's words for each.
    var byOperation: [(operation: String, count: Int)] {
        [("insert", inserts), ("update", updates), ("delete", deletes), ("truncate", truncates)]
    }
}

/// What a batch brings, before a sink takes it.
struct BatchCounts: Sendable {
    /// As the batch has them; a table may be there twice, once for each description.
    private(set) var tables: [(relation: Relation, counts: ChangeCounts)] = []
    private(set) var changes = 0

    init(_ batch: Batch) {
        // A pass of its own over one flat table: a nanosecond a row.
        var counts = [ChangeCounts](repeating: ChangeCounts(), count: batch.relations.count)
        for change in batch.changes {
            switch change.kind {
            case .insert, .update, .delete: counts[Int(change.relation)].count(change.kind)
            case .truncate:
                for relation in batch.truncates[Int(change.relation)].relations {
                    counts[Int(relation)].count(.truncate)
                }
            case .message: continue
            }
            changes += 1
        }
        for (relation, counts) in zip(batch.relations, counts) where counts.total > 0 {
            tables.append((relation, counts))
        }
    }
}
