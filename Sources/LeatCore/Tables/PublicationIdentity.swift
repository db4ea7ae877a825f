/// A publication by name and OID: `name:oid` in `leat.progress` and `stream.json`.
///
/// One that was dropped and made again has another OID; one that was renamed has the same.
public struct PublicationIdentity: Sendable, Hashable {
    public var name: String
    public var oid: String

    public init(name: String, oid: String) {
        self.name = name
        self.oid = oid
    }

    /// - Parameter text: The name may have colons in it itself.
    public init(_ text: String) {
        let colon = text.lastIndex(of: ":")
        name = colon.map { String(text[..<$0]) } ?? text
        oid = colon.map { String(text[text.index(after: $0)...]) } ?? ""
    }

    public var text: String { "\(name):\(oid)" }
}

/// What became of the publications that a stream reads.
public struct PublicationChanges: Sendable, Equatable {
    /// Under their old and their new names.
    public var renamed: [(before: PublicationIdentity, now: PublicationIdentity)] = []
    /// Not there any more, or another one of the name.
    public var dropped: [PublicationIdentity] = []

    /// - Parameter now: All of the source's that have one of the names or OIDs of those before.
    public init(_ before: [PublicationIdentity], now: [PublicationIdentity]) {
        // Names that were only exchanged ask for the same as before.
        let names = Set(before.map(\.name))
        let current = now.filter { names.contains($0.name) }
        guard Set(current.map(\.oid)) != Set(before.map(\.oid)) else { return }
        for publication in before where !now.contains(publication) {
            if let other = now.first(where: { $0.oid == publication.oid }) {
                renamed.append((publication, other))
            } else {
                dropped.append(publication)
            }
        }
    }

    public var isEmpty: Bool { renamed.isEmpty && dropped.isEmpty }

    public static func == (left: Self, right: Self) -> Bool {
        left.dropped == right.dropped && left.renamed.map(\.before) == right.renamed.map(\.before)
            && left.renamed.map(\.now) == right.renamed.map(\.now)
    }
}
