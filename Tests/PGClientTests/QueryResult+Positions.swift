@testable import PGClient

/// By position, for answers that a test writes the query of beside it.
extension QueryResult {
    /// The first column of the first row.
    var scalar: String? { rows.first?.first ?? nil }

    /// The first column of every row, NULLs left out.
    var firstColumn: [String] { rows.compactMap { $0.first ?? nil } }
}
