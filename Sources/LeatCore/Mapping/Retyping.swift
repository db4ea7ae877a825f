/// Of which columns the source has changed type and rows at once, by their numbers there.
public struct Retyping: Sendable, Equatable {
    public var numbers: Set<Int>
    /// What the target's columns were when both sides last agreed: one that is another by now has
    /// followed.
    public var targets: [Int: TableDefinition.TargetType]

    public init(numbers: Set<Int> = [], targets: [Int: TableDefinition.TargetType] = [:]) {
        self.numbers = numbers
        self.targets = targets
    }

    /// - Parameters:
    ///   - earlier: When both sides last agreed.
    ///   - now: As last read.
    public init(from earlier: TableDefinition, to now: TableDefinition) {
        numbers = Set(
            DefinitionChange(
                from: earlier, to: now, sent: now.columns.map(\.name), mayBeUnlogged: { _ in false }
            ).retyped)
        targets = earlier.targets
    }
}
