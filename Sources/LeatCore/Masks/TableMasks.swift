public import PGWire

/// The masks of one table, by the source's column numbers: names change, and change hands.
///
/// The stream names columns and does not number them. A description of the table tells which is which
/// only if its names are those of a shape that is known: what the catalog had at a start, what both
/// sides had when they last agreed, or what the catalog has when it is asked again. One that is none of
/// these is not guessed at, for a value in the wrong place would be one in the open.
public struct TableMasks: Sendable {
    /// A column of a shape.
    public struct Named: Sendable, Equatable {
        public var number: Int
        public var name: String

        public init(number: Int, name: String) {
            self.number = number
            self.name = name
        }
    }

    public let table: TableName
    private let masks: StoredMasks
    private let key: MaskKey?
    private let types: TypeCatalog
    /// The names of what is sent, in the order of the numbers; the likeliest first.
    private let shapes: [[Named]]

    /// - Parameters:
    ///   - masks: With which its values come to the target.
    ///   - types: Of the source.
    ///   - now: The columns that are sent, as the catalog has them; nil where nobody knows.
    ///   - known: Those that both sides have agreed on.
    public init(
        _ table: TableName, masks: StoredMasks, key: MaskKey?, types: TypeCatalog,
        now: [SourceColumn]?, known: KnownColumns
    ) {
        self.table = table
        self.masks = masks
        self.key = key
        self.types = types
        let agreed = known.present.compactMap { number in
            known[number].map { Named(number: number, name: $0.name) }
        }
        shapes = (now.map { [TableMasks.shape($0)] } ?? []) + (agreed.isEmpty ? [] : [agreed])
    }

    /// The row function for tuples of this description; nil if it is of no known shape, or a column of
    /// another type than its mask was made for.
    ///
    /// - Parameter now: The columns that are sent and the types, as the catalog has them at this moment.
    public func rows(
        of relation: Relation, now: (columns: [SourceColumn], types: TypeCatalog)? = nil
    ) -> RowMasks? {
        let names = relation.columns.map(\.name)
        let all = (now.map { [TableMasks.shape($0.columns)] } ?? []) + shapes
        let found =
            all.lazy.compactMap { TableMasks.numbers(of: names, in: $0) }.first
            ?? all.lazy.compactMap { TableMasks.earlier(names, than: $0) }.first
        return found.flatMap { numbers in
            rows(numbers, typed: relation.columns.map(\.typeOID), by: now?.types ?? types)
        }
    }

    /// The same for a copy, whose columns are known by their numbers.
    public func rows(of columns: [SourceColumn]) -> RowMasks? {
        rows(columns.map(\.number), typed: columns.map(\.typeOID), by: types)
    }

    private func rows(_ numbers: [Int], typed oids: [UInt32], by types: TypeCatalog) -> RowMasks? {
        var found: [(index: Int, mask: ColumnMask)] = []
        for (index, number) in numbers.enumerated() {
            guard let stored = masks.columns[number] else { continue }
            let type = types[oids[index]].map { types.base($0, modifier: -1).type }
            guard let mask = ColumnMask(stored, of: type, key: key) else { return nil }
            found.append((index, mask))
        }
        return RowMasks(found)
    }

    static func shape(_ columns: [SourceColumn]) -> [Named] {
        columns.sorted { $0.number < $1.number }.map { Named(number: $0.number, name: $0.name) }
    }

    /// Each name's number, if they are the shape's.
    private static func numbers(of names: [String], in shape: [Named]) -> [Int]? {
        names.count == shape.count && begins(shape, with: names) ? shape.map(\.number) : nil
    }

    /// The same for a description from before the last columns were added.
    private static func earlier(_ names: [String], than shape: [Named]) -> [Int]? {
        names.count < shape.count && begins(shape, with: names)
            ? shape.prefix(names.count).map(\.number) : nil
    }

    private static func begins(_ shape: [Named], with names: [String]) -> Bool {
        zip(names, shape).allSatisfy { $0.isSameName(as: $1.name) }
    }
}
