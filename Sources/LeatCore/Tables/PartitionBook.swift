public import PGWire

/// What is known of the partitions under the followed roots: those whose rows came with the
/// copy or by the stream, and those that changed behind the stream's back.
///
/// `ATTACH` brings rows, `DETACH` and `DROP` take rows away, and none of it is sent. Once noticed
/// a change stays noted until the root is copied anew, whatever happens to the partition next.
public struct PartitionBook: Sendable, Equatable {
    public enum Change: String, Sendable {
        case attached, detached, dropped
    }

    /// A partition as the source's catalog has it now.
    public struct Found: Sendable, Equatable {
        public var root: RelationID
        public var id: RelationID
        public var name: TableName
        /// It was not made as a partition, and is not empty.
        public var broughtRows: Bool

        public init(root: RelationID, id: RelationID, name: TableName, broughtRows: Bool) {
            self.root = root
            self.id = id
            self.name = name
            self.broughtRows = broughtRows
        }
    }

    public struct Entry: Sendable, Equatable {
        public var root: RelationID
        public var id: RelationID
        public var name: TableName
        public var change: Change?

        public init(root: RelationID, id: RelationID, name: TableName, change: Change? = nil) {
            self.root = root
            self.id = id
            self.name = name
            self.change = change
        }
    }

    private struct Key: Hashable {
        var root: RelationID
        var id: RelationID
    }

    private var entries: [Key: Entry] = [:]

    public init(_ entries: [Entry] = []) {
        for entry in entries { self.entries[Key(root: entry.root, id: entry.id)] = entry }
    }

    /// In an order of their own.
    public var all: [Entry] {
        entries.values.sorted {
            ($0.root.rawValue, $0.id.rawValue) < ($1.root.rawValue, $1.id.rawValue)
        }
    }

    /// `partition: change` of those that changed behind the stream's back.
    public var changes: [String] {
        entries.values.compactMap { entry in
            entry.change.map { "\(entry.name): \($0.rawValue)" }
        }.sorted()
    }

    /// Roots that were looked at before: each is an entry of its own.
    public func knows(_ root: RelationID) -> Bool {
        entries[Key(root: root, id: root)] != nil
    }

    public func known(under root: RelationID) -> [RelationID] {
        entries.values.filter { $0.root == root && $0.id != root }.map(\.id)
    }

    /// How many partitions changed behind the stream's back.
    public var changeCount: Int { entries.values.count { $0.change != nil } }

    /// Compares with what is found now.
    ///
    /// - Parameter existing: Tables that exist, of those that were asked for: what is not found
    ///   was detached if it is still there.
    /// - Returns: What is to be stored: entries that are new or changed.
    public mutating func note(
        _ found: [Found], under roots: [TableName: RelationID], existing: Set<RelationID>
    ) -> [Entry] {
        var changed: [Entry] = []
        for (name, root) in roots {
            let isFirst = !knows(root)
            if isFirst { changed.append(Entry(root: root, id: root, name: name)) }
            let here = found.filter { $0.root == root }
            changed += here.compactMap { noted($0, isFirst: isFirst) }
            changed += missing(of: root, here: Set(here.map(\.id)), existing: existing)
        }
        for entry in changed { entries[Key(root: entry.root, id: entry.id)] = entry }
        return changed.sorted { $0.name < $1.name }
    }

    private func noted(_ found: Found, isFirst: Bool) -> Entry? {
        var entry = Entry(root: found.root, id: found.id, name: found.name)
        guard let old = entries[Key(root: found.root, id: found.id)] else {
            entry.change = found.broughtRows && !isFirst ? .attached : nil
            return entry
        }
        switch old.change {
        // It is back, with what was done to it meanwhile.
        case .detached, .dropped: entry.change = .attached
        case .attached, nil: entry.change = old.change
        }
        return entry == old ? nil : entry
    }

    private func missing(
        of root: RelationID, here: Set<RelationID>, existing: Set<RelationID>
    ) -> [Entry] {
        entries.values.filter { $0.root == root && $0.id != root && !here.contains($0.id) }
            .compactMap { old in
                var entry = old
                entry.change = existing.contains(old.id) ? .detached : .dropped
                return entry == old ? nil : entry
            }
    }
}
