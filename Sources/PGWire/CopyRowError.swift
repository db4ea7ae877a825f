/// Bytes that are no rows of a COPY. It never holds or prints the value of a cell.
public enum CopyRowError: Error, Equatable, Sendable {
    /// A row has another number of columns than were asked for.
    case columns(expected: Int, found: Int)
    /// What stands before the first row of a binary copy is of no known form.
    case header
    /// A length of a value, or of the header's extension, below zero.
    case length(Int)
    /// Something follows the end of the copy.
    case trailingBytes(Int)
    /// The copy ends within a row, which has so many bytes; or, in binary form, without its end.
    case unfinished(bytes: Int)
}

extension CopyRowError: CustomStringConvertible {
    /// For a sentence.
    public var description: String {
        switch self {
        case .columns(let expected, let found): "a row has \(found) columns and not \(expected)"
        case .header: "no header of a binary copy"
        case .length(let length): "a length of \(length)"
        case .trailingBytes(let count): "\(count) bytes after the end"
        case .unfinished(let bytes): "it ends within a row, \(bytes) bytes of which are there"
        }
    }
}
