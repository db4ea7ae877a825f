public import PGWire

/// Leat stops, and says what happened and what to do.
///
/// Nothing is lost by it: a later start goes on from the stored position.
public struct Halt: Error, Sendable, Equatable, CustomStringConvertible {
    /// For the shell. Nothing decides by it: that is what the kind is for.
    public var exitCode: ExitCode {
        didSet { kind = Kind(exitCode) }
    }
    /// For whoever catches it.
    public var kind: Kind
    /// What was attempted, what was wrong; with table and LSN where there are any.
    public var message: String
    /// How to mend it: a sentence or an SQL statement.
    public var advice: String?
    /// Where a rule of the target is to blame, which the source may not have.
    public var broken: Broken?

    /// A rule, and what is left to say where the source has none like it.
    public struct Broken: Sendable, Hashable {
        public var rule: BrokenRule
        public var wayOn: String

        public init(rule: BrokenRule, wayOn: String) {
            self.rule = rule
            self.wayOn = wayOn
        }
    }

    /// Whether a row has no partition to go into on the target.
    public var lacksPartition = false

    /// Tables that the target lacks.
    public var missing: [TableName] = []

    /// Columns of the target's tables that the advice gives another type.
    public var retyped: [TableName: [String]] = [:]

    /// The table of which a change met other rows on the target than the source had.
    public var missed: RelationID?

    /// Tables of which a copy anew is the way on.
    public var copiesAnew: [TableName] = []
    /// What happened to such a table, for a sentence.
    public var doubtReason: String?

    /// - Parameter kind: Nil: what its exit code says.
    public init(
        _ exitCode: ExitCode, _ message: String, advice: String? = nil, kind: Kind? = nil
    ) {
        self.exitCode = exitCode
        self.kind = kind ?? Kind(exitCode)
        self.message = message
        self.advice = advice
    }

    public var description: String {
        advice.map { "\(message)\n\($0)" } ?? message
    }
}
