/// How the publications send a table, as the source's catalog says at one moment: kept with the
/// table, and compared with what is so later.
///
/// A worked example. Publication 16398 had the table by row 16402 of `pg_publication_rel`, and sent
/// everything; then somebody ran `alter publication p set (publish = 'insert')`, a few inserts and
/// an update, and set it back.
///
///     membership  p:16398:16402
///     sending     16398 xmin=732 name=83878c91... owner=10 rows=all publish=iudt generated=n ...
///     later       16398 xmin=735 name=83878c91... owner=10 rows=all publish=iudt generated=n ...
///
/// Nothing but `xmin` tells: each ALTER PUBLICATION but ADD, DROP and SET of tables makes a new
/// version of the publication's row. It tells no more than that something was altered, so what
/// differs beside it counts first.
public struct Publishing: Sendable, Equatable {
    /// Each publication with its OID, and those of the `pg_publication_rel` and
    /// `pg_publication_namespace` rows through which it has the table. One that was taken out and put
    /// back has another: changes between are not sent.
    public var membership: String
    /// Kinds of changes that all of its publications leave out; nil if that was not kept.
    public var unsentKinds: [String]?
    /// For each publication what it sends of the table, and the version of its row; nil or empty if
    /// that was not kept.
    public var sending: String?

    public init(membership: String, unsentKinds: [String]?, sending: String?) {
        self.membership = membership
        self.unsentKinds = unsentKinds
        self.sending = sending
    }

    /// Why changes of the table may have been left out since, so that its rows are not enough to go
    /// on from; nil if none were that had been sent before.
    public func gap(to now: Publishing) -> String? {
        membershipGap(to: now) ?? kindsGap(to: now) ?? sendingGap(to: now)
    }

    /// What is sent from now on, and was not before; nil if that is nothing.
    public func addedKinds(to now: Publishing) -> [String]? {
        guard let unsentKinds, let later = now.unsentKinds else { return nil }
        let added = unsentKinds.filter { !later.contains($0) }
        return added.isEmpty ? nil : added
    }

    /// What cannot be told apart from a gap where there is none to be seen: one visible change may
    /// hide another one that was taken back.
    public func doubt(to now: Publishing) -> String? {
        guard sending != now.sending, gap(to: now) == nil else { return nil }
        let later = now.parts
        let altered = parts.contains { publication, part in
            later[publication].map { $0["xmin"] != part["xmin"] } ?? false
        }
        return altered
            ? """
            a publication of this table was altered, as can be seen; if its options were changed and \
            changed back by the way, what it did not send meanwhile is missing
            """ : nil
    }

    private static let rejoined = """
        it was taken out of its publication and put back, or its column list or row filter was \
        changed
        """

    /// The names are left out: a publication that is renamed sends the same as before, to whoever
    /// asks for it by its new name.
    private func membershipGap(to now: Publishing) -> String? {
        guard membership != now.membership else { return nil }
        let (before, later) = (rows(of: membership), rows(of: now.membership))
        let kept = before.filter { later[$0.key] != nil }
        guard !kept.isEmpty, kept.allSatisfy({ later[$0.key] == $0.value }) else {
            return Publishing.rejoined
        }
        // One of several: as long as another has sent, and sends, all rows, nothing is missing.
        let sendsAll = { (parts: [String: Part]) in
            kept.keys.contains { parts[$0]?["rows"] == "all" }
        }
        guard kept.count < max(before.count, later.count) else { return nil }
        return sendsAll(parts) && sendsAll(now.parts) ? nil : Publishing.rejoined
    }

    private func kindsGap(to now: Publishing) -> String? {
        guard let unsentKinds, let later = now.unsentKinds,
            later.contains(where: { !unsentKinds.contains($0) })
        else { return nil }
        return "its publications send other kinds of changes than before"
    }

    private func sendingGap(to now: Publishing) -> String? {
        guard sending != now.sending else { return nil }
        let later = now.parts
        for (publication, part) in parts.sorted(by: { $0.key < $1.key }) {
            guard let current = later[publication], current != part else { continue }
            if let gap = Publishing.gap(part, now: current) { return gap }
        }
        return nil
    }

    private static func gap(_ part: Part, now: Part) -> String? {
        if part["place"] != now["place"] {
            return "it left a published schema and came back"
        }
        // A dash: nothing for it to count for.
        let counts = part["generated"] != "-" && now["generated"] != "-"
        if counts, part["generated"] != now["generated"] {
            return "publish_generated_columns of its publication was changed"
        }
        var differs = Set(part.keys).union(now.keys).filter { part[$0] != now[$0] }
        if !counts { differs.remove("generated") }
        // Nothing else: it was altered, and back.
        guard differs == ["xmin"] else { return nil }
        return """
            its publication was altered and is now as before (options changed and back, or renamed \
            and back): what was not sent in between cannot be known
            """
    }

    // MARK: The texts

    /// Whether it is known to be no table of this publication.
    public func isOutside(_ publication: String) -> Bool {
        !parts.isEmpty && parts[publication] == nil
    }

    /// Of a publication's row; nil if that was not kept.
    public func version(of publication: String) -> String? { parts[publication]?["xmin"] }

    public var kindsText: String { (unsentKinds ?? []).joined(separator: ", ") }

    /// Out of ``kindsText``.
    public static func kinds(_ text: String) -> [String] {
        text.split(separator: ", ").map(String.init)
    }

    private typealias Part = [String: String]

    /// By the publication's OID.
    private var parts: [String: Part] {
        let parts = (sending ?? "").split(separator: ";").map { $0.split(separator: " ") }
        return Dictionary(
            parts.compactMap { words in
                words.first.map { (String($0), Publishing.fields(words.dropFirst())) }
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func fields(_ words: ArraySlice<Substring>) -> Part {
        Dictionary(
            words.map { word in
                let name = word.prefix { $0 != "=" }
                return (String(name), String(word.dropFirst(name.count + 1)))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The OIDs behind each publication's own. Names may have anything in them, so the numbers are
    /// taken from the end of each word.
    private func rows(of membership: String) -> [String: String] {
        let entries = membership.split(separator: " ").compactMap { word -> (String, String)? in
            let numbers = word.split(separator: ":", omittingEmptySubsequences: false)
                .dropFirst().reversed().prefix { Publishing.isNumbers($0) }.reversed()
            guard let publication = numbers.first else { return nil }
            return (String(publication), numbers.dropFirst().joined(separator: ":"))
        }
        return Dictionary(entries, uniquingKeysWith: { $0 + " " + $1 })
    }

    private static func isNumbers(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) || $0 == 44 }
    }
}
