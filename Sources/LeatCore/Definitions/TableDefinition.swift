/// What the source's catalog says of a table at one moment, as far as it tells whether rows have
/// changed without being sent.
///
/// The server sends nothing for a rewrite. An ALTER that rewrites a table leaves another
/// `pg_class.relfilenode` and another `xmin` in the column's row of `pg_attribute`; VACUUM FULL and
/// CLUSTER only the first. Any ALTER that rewrites, SET UNLOGGED and SET LOGGED among them, makes
/// another TOAST table; TRUNCATE, VACUUM FULL and CLUSTER keep it.
public struct TableDefinition: Sendable, Hashable {
    /// A table that holds rows itself: the table, or a leaf partition of it.
    public struct File: Sendable, Hashable {
        public var oid: UInt32
        /// `relfilenode`.
        public var node: UInt32
        /// `relpersistence = 'p'`: its changes are sent.
        public var isLogged: Bool
        /// It has no page.
        public var isEmpty: Bool
        /// OID of its TOAST table; 0 if it has none, or that is not known.
        public var toast: UInt32

        public init(
            oid: UInt32, node: UInt32, isLogged: Bool = true, isEmpty: Bool = false,
            toast: UInt32 = 0
        ) {
            self.oid = oid
            self.node = node
            self.isLogged = isLogged
            self.isEmpty = isEmpty
            self.toast = toast
        }
    }

    /// The type of the target's column beside one of the source.
    public struct TargetType: Sendable, Hashable {
        public var typeOID: UInt32
        public var typeModifier: Int32

        public init(_ column: TargetTable.Column) {
            typeOID = column.typeOID
            typeModifier = column.typeModifier
        }

        init(typeOID: UInt32, typeModifier: Int32) {
            self.typeOID = typeOID
            self.typeModifier = typeModifier
        }
    }

    /// By OID.
    public var files: [UInt32: File]
    /// All, in the order of their numbers, also generated ones that are not sent.
    public var columns: [SourceColumn]
    /// Every transaction before it had ended when this was read: rows whose `xmin` is older were
    /// there already. 0 where that is not known.
    public var horizon: UInt32
    /// Numbers of columns that are gone, each with the transaction that dropped it.
    public var dropped: [Int: UInt32] = [:]
    /// By the source's column number, as it was when both sides agreed on this definition.
    public var targets: [Int: TargetType] = [:]

    public init(
        files: [File] = [], columns: [SourceColumn], horizon: UInt32 = 0,
        dropped: [Int: UInt32] = [:]
    ) {
        self.dropped = dropped
        self.files = Dictionary(
            files.map { ($0.oid, $0) }, uniquingKeysWith: { first, _ in first })
        self.columns = columns.sorted { $0.number < $1.number }
        self.horizon = horizon
    }

    /// The column of this number.
    public subscript(number: Int) -> SourceColumn? { columns.first { $0.number == number } }

    /// The transaction before which a row that is there was there before the column's change: that of
    /// this look; of an older look, which did not keep it, that of the last change.
    ///
    /// - Parameter column: As it is now.
    func since(changeOf column: SourceColumn) -> UInt32 {
        horizon != 0 ? horizon : column.version
    }

    /// Which of its tables and partitions have another file than they had, by OID.
    func rewritten(since earlier: TableDefinition) -> [File] {
        files.values.filter { file in
            earlier.files[file.oid].map { $0.node != file.node } ?? false
        }.sorted { $0.oid < $1.oid }
    }

    /// Whether an ALTER has written a table or partition anew, as far as its TOAST table tells.
    func alteration(of oid: UInt32, since earlier: TableDefinition) -> DefinitionChange.Alteration {
        guard let before = earlier.files[oid]?.toast, before != 0, let now = files[oid]?.toast
        else { return .unknown }
        return before == now ? .none : .earlier
    }

    /// Whether it shows that no ALTER has written a table or partition anew.
    public func hasKeptToast(of oid: UInt32, since earlier: TableDefinition) -> Bool {
        alteration(of: oid, since: earlier) == .none
    }

    /// Columns that are generated and not sent, or sent as they are.
    public var generated: [SourceColumn] { columns.filter { $0.generation != .none } }

    /// Whether nothing that is remembered of the source differs: the horizon always does.
    public func isSame(as other: TableDefinition) -> Bool {
        files == other.files && columns == other.columns
    }

    /// Forgets what rows have in masked columns by default.
    public mutating func hideValues(of masks: StoredMasks) {
        guard !masks.isEmpty else { return }
        for index in columns.indices where masks.columns[columns[index].number] != nil {
            columns[index].missingValue = nil
            columns[index].defaultExpression = nil
        }
    }

    /// What rows from before a column have in it does not change once they are there; a rewrite
    /// only takes the word of it out of the catalog.
    public mutating func keepMissingValues(of earlier: TableDefinition) {
        for index in columns.indices {
            guard let known = earlier[columns[index].number] else { continue }
            columns[index].missingValue = known.missingValue
        }
    }
}

extension TableDefinition {
    /// Takes over what the target's columns are.
    public mutating func agree(on target: TargetTable, _ known: KnownColumns) {
        for column in columns {
            let found = known[column.number].flatMap { known in
                target.columns.first { $0.number == known.targetNumber }
            }
            let named = target.columns.first { $0.name.isSameName(as: column.name) }
            targets[column.number] = (found ?? named).map { TargetType($0) }
        }
    }
}

// MARK: As stored

/// One text for each file and column, and for each text of a column:
///
///     horizon XID
///     file OID NODE p|u empty|rows TOAST
///     column NUMBER TYPE MODIFIER VERSION null|not_null -|s|v NAME
///     missing NUMBER TEXT
///     default NUMBER TEXT
///     dropped NUMBER XID
///     target NUMBER TYPE MODIFIER
extension TableDefinition {
    public var texts: [String] {
        var texts = ["horizon \(horizon)"]
        texts += files.values.sorted { $0.oid < $1.oid }.map {
            """
            file \($0.oid) \($0.node) \($0.isLogged ? "p" : "u") \($0.isEmpty ? "empty" : "rows") \
            \($0.toast)
            """
        }
        for column in columns {
            let generation = column.generation == .none ? "-" : column.generation.rawValue
            texts.append(
                """
                column \(column.number) \(column.typeOID) \(column.typeModifier) \
                \(column.version) \(column.isNotNull ? "not_null" : "null") \(generation) \
                \(column.name)
                """)
            if let value = column.missingValue { texts.append("missing \(column.number) \(value)") }
            if let text = column.defaultExpression {
                texts.append("default \(column.number) \(text)")
            }
        }
        texts += dropped.sorted { $0.key < $1.key }.map { "dropped \($0.key) \($0.value)" }
        texts += targets.sorted { $0.key < $1.key }.map { number, type in
            "target \(number) \(type.typeOID) \(type.typeModifier)"
        }
        return texts
    }

    /// Nil if there are none, or they are of no known form.
    public init?(texts: [String]) {
        guard !texts.isEmpty else { return nil }
        self.init(columns: [])
        for text in texts {
            guard let (word, rest) = TableDefinition.split(text), take(rest, as: word) else {
                return nil
            }
        }
    }

    private mutating func take(_ rest: String, as word: String) -> Bool {
        switch word {
        case "horizon":
            guard let xid = UInt32(rest) else { return false }
            horizon = xid
        case "file":
            let parts = rest.split(separator: " ")
            // An earlier version knew no TOAST tables.
            guard (4...5).contains(parts.count), let oid = UInt32(parts[0]),
                let node = UInt32(parts[1]), let toast = UInt32(parts.count > 4 ? parts[4] : "0")
            else { return false }
            files[oid] = File(
                oid: oid, node: node, isLogged: parts[2] == "p", isEmpty: parts[3] == "empty",
                toast: toast)
        case "column":
            guard let column = SourceColumn(text: rest) else { return false }
            columns.append(column)
        case "dropped":
            let parts = rest.split(separator: " ")
            guard parts.count == 2, let number = Int(parts[0]), let xid = UInt32(parts[1]) else {
                return false
            }
            dropped[number] = xid
        case "target":
            let parts = rest.split(separator: " ")
            guard parts.count == 3, let number = Int(parts[0]), let type = UInt32(parts[1]),
                let modifier = Int32(parts[2])
            else { return false }
            targets[number] = TargetType(typeOID: type, typeModifier: modifier)
        case "missing", "default":
            guard let (number, text) = TableDefinition.split(rest),
                let index = columns.firstIndex(where: { "\($0.number)" == number })
            else { return false }
            if word == "missing" {
                columns[index].missingValue = text
            } else {
                columns[index].defaultExpression = text
            }
        default:
            return false
        }
        return true
    }

    /// At the first blank.
    private static func split(_ text: String) -> (String, String)? {
        guard let blank = text.unicodeScalars.firstIndex(of: " ") else { return nil }
        let rest = text.unicodeScalars[text.unicodeScalars.index(after: blank)...]
        return (String(text.unicodeScalars[..<blank]), String(rest))
    }
}

extension SourceColumn {
    fileprivate init?(text: String) {
        let parts = text.unicodeScalars.split(
            separator: " ", maxSplits: 6, omittingEmptySubsequences: false
        ).map { String($0) }
        guard parts.count == 7, let number = Int(parts[0]), let type = UInt32(parts[1]),
            let modifier = Int32(parts[2]), let version = UInt32(parts[3]),
            let generation = Generation(rawValue: parts[5] == "-" ? "" : parts[5])
        else { return nil }
        self.init(
            number: number, name: parts[6], typeOID: type, typeModifier: modifier,
            isNotNull: parts[4] == "not_null", generation: generation, version: version)
    }
}
