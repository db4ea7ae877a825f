/// What must never be, in words.
public struct FuzzFinding: Error, CustomStringConvertible {
    public var description: String

    init(_ description: String) {
        self.description = description
    }
}
