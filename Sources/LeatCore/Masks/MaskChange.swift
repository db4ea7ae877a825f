internal import PGWire

/// The masks that a start was told of a table, beside those that its rows came with.
public struct MaskChange: Sendable {
    /// To be kept: what is told now, and what columns had that are gone.
    public private(set) var masks: StoredMasks
    private let table: TableName
    private var differences: [String] = []
    private var before: [MaskRule] = []

    /// - Parameters:
    ///   - stored: With which its rows came.
    ///   - wanted: As they are told now.
    ///   - columns: What is sent of it now.
    ///   - known: The columns that have values on the target; none: nobody knows.
    public init(
        of table: TableName, from stored: StoredMasks, to wanted: StoredMasks,
        columns: [SourceColumn], known: KnownColumns
    ) {
        self.table = table
        masks = wanted
        for (number, mask) in stored.columns.sorted(by: { $0.key < $1.key }) {
            guard let column = columns.first(where: { $0.number == number }) else {
                masks.columns[number] = mask
                continue
            }
            before.append(MaskRule(table, column: column.name, function: mask.function))
        }
        for column in columns {
            let (old, new) = (stored.columns[column.number], wanted.columns[column.number])
            // A column that is new has no value there yet.
            let isNew = !known.numbers.isEmpty && known[column.number] == nil
            guard old != new, !(old == nil && isNew) else { continue }
            differences.append(
                "column \(PrintedText.line(column.name)): \(old?.words(beside: new) ?? "as it is"), "
                    + "now \(new?.words(beside: old) ?? "as it is")")
        }
    }

    /// Why the start is refused: the rows would be partly masked in one way, partly in another.
    ///
    /// - Parameter copyingAnew: The way to have it in the other.
    public func halt(copyingAnew: String) -> Halt? {
        guard !differences.isEmpty else { return nil }
        let options = before.flatMap { ["--mask", $0.text] }
        let way =
            options.isEmpty
            ? "Start without a mask for it" : "Start with \(ShellText.command(options))"
        return Halt(
            .preflight,
            """
            Table \(table) was copied with other masks than are told now: \
            \(differences.joined(separator: "; ")).
            """,
            advice: """
                \(way), and the LEAT_MASK_KEY of then, as it was. Or have it copied anew: \
                \(copyingAnew)
                """)
    }
}
