/// When rows are worth a COPY, instead of a statement each in the pipeline.
///
/// A COPY ends the pipeline: it costs two round trips, and the statement that follows it another
/// one. Against that a row copied in saves the target the work of taking, planning for and
/// answering one statement.
public struct SetChoice: Sendable {
    /// What a row saves, and what a set costs beside its round trips: measured on one core at
    /// 2.5 GHz, and no more exact than it has to be.
    private static let savedPerInsert: Duration = .microseconds(6)
    private static let savedPerStagedRow: Duration = .microseconds(5)
    /// Or, where a statement of its own would look for it from the table's beginning.
    private static let savedPerScan: Duration = .microseconds(50)
    private static let setCost: Duration = .microseconds(60)
    private static let stagingCost: Duration = .microseconds(200)
    /// Each commit empties every staging table of its session, used or not.
    private static let emptyingCost: Duration = .microseconds(100)
    /// What it costs the target to count a statement's rows itself.
    private static let guardCost: Duration = .microseconds(5)

    /// Wider rows are stored twice when they are staged, and a statement of their own is then
    /// the smaller part of their cost.
    public static let widestStagedRow = 2000

    private let insertsFrom: Int
    private let stagedFrom: Int
    private let scannedFrom: Int
    private let mostGuarded: Int

    /// - Parameter roundTrip: How long the target takes to answer a command that does nothing.
    public init(roundTrip: Duration) {
        let copy = roundTrip * 2 + SetChoice.setCost
        let staged = roundTrip * 3 + SetChoice.stagingCost
        insertsFrom = max(8, Int(copy / SetChoice.savedPerInsert))
        stagedFrom = max(16, Int(staged / SetChoice.savedPerStagedRow))
        scannedFrom = max(4, Int(staged / SetChoice.savedPerScan))
        mostGuarded = max(16, Int(roundTrip / SetChoice.guardCost))
    }

    public func copiesInserts(_ rows: Int) -> Bool { rows >= insertsFrom }

    /// - Parameters:
    ///   - scans: Whether there is no index to find them by.
    ///   - tables: Staging tables that the session has already.
    public func stages(_ rows: Int, scans: Bool = false, tables: Int = 0) -> Bool {
        let saved = scans ? SetChoice.savedPerScan : SetChoice.savedPerStagedRow
        let emptying = Int(SetChoice.emptyingCost * tables / saved)
        return rows >= (scans ? scannedFrom : stagedFrom) + emptying
    }

    /// Whether so few changes should be committed without a look at their answers, guarded: it saves
    /// a round trip.
    public func commitsAtOnce(_ changes: Int) -> Bool { changes <= mostGuarded }

    /// A run of fewer changes is applied as it came: nothing could be gained.
    public var worthFolding: Int { min(insertsFrom, stagedFrom) }
}
