/// What a stream reads.
public enum StreamInput: Equatable, Sendable {
    /// A slot of the source, by its name.
    case slot(String)
    /// An archive, by the number that was drawn for it.
    case archive(String)

    /// No slot's name has a blank.
    private static let archiveMark = "archive "

    /// - Parameter stored: Column `slot` of `leat.progress`.
    public init(stored: String) {
        self =
            stored.hasPrefix(StreamInput.archiveMark)
            ? .archive(String(stored.dropFirst(StreamInput.archiveMark.count))) : .slot(stored)
    }

    public var stored: String {
        switch self {
        case .slot(let name): name
        case .archive(let number): StreamInput.archiveMark + number
        }
    }

    public var isArchive: Bool {
        switch self {
        case .archive: true
        case .slot: false
        }
    }
}

extension StartFacts.Stored {
    public var input: StreamInput { StreamInput(stored: slot) }
}
