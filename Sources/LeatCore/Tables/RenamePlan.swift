public import PGWire

/// What names have to change on the target before a stream goes on.
///
/// Rows always go to the right table, because a table is known by its OID on both sides. The
/// names are kept the same, or what ``RenameRules`` make of the source's, so that people, and the
/// next copy, find the table too.
///
/// A worked example, two tables that swap their names on the source. `leat.tables` has 16400
/// `a` (target 24400) and 16410 `b` (target 24410); the source says 16400 is `b`, 16410 is `a`.
/// As long as the target says 24400 is `a`, three statements are owed; once it says 24400 is
/// `b`, the rows of `leat.tables` take the new names. By names alone the two states look alike.
public struct RenamePlan: Sendable, Equatable {
    /// A followed table under all its names.
    public struct Table: Sendable, Equatable {
        public var id: RelationID
        /// In `leat.tables`.
        public var stored: TableName
        /// On the source at this moment.
        public var source: TableName
        public var targetOID: UInt32?
        /// Where it went, by `leat.tables`.
        public var storedTarget: TableName
        /// Where it goes, by the rules of now.
        public var target: TableName

        /// - Parameters:
        ///   - storedTarget: Nil: under the stored name.
        ///   - target: Nil: under the source's name.
        public init(
            id: RelationID, stored: TableName, source: TableName, targetOID: UInt32?,
            storedTarget: TableName? = nil, target: TableName? = nil
        ) {
            self.id = id
            self.stored = stored
            self.source = source
            self.targetOID = targetOID
            self.storedTarget = storedTarget ?? stored
            self.target = target ?? source
        }

        /// Whether a rule leads it there now, or did.
        fileprivate var hasRule: Bool { target != source || storedTarget != stored }
        fileprivate var isAsStored: Bool { stored == source && storedTarget == target }
    }

    /// Tables of the target, with their OIDs.
    public struct TargetNames: Sendable {
        private let names: [UInt32: TableName]
        private let oids: [TableName: UInt32]
        /// Schemas that tables go to and that are not there.
        fileprivate let missingSchemas: [String]

        public init(
            _ tables: [(oid: UInt32, name: TableName)], missingSchemas: [String] = []
        ) {
            self.missingSchemas = missingSchemas
            names = Dictionary(tables.map { ($0.oid, $0.name) }, uniquingKeysWith: { a, _ in a })
            oids = Dictionary(tables.map { ($0.name, $0.oid) }, uniquingKeysWith: { a, _ in a })
        }

        public subscript(oid: UInt32) -> TableName? { names[oid] }
        public subscript(name: TableName) -> UInt32? { oids[name] }
    }

    public struct Rename: Sendable, Equatable {
        public var id: RelationID
        public var from: TableName
        public var to: TableName
    }

    /// What the row of a table in `leat.tables` is to say.
    public struct Following: Sendable, Equatable {
        /// Its name on the source, as it was stored and as it is now.
        public var rename: Rename
        public var target: TableName
    }

    /// Done on the target already: the rows of `leat.tables` are to follow.
    public private(set) var done: [Following] = []
    /// Of those owed, what a rule of `--rename` asks for, and not the source.
    private var byRule: [RelationID: ChangedRule] = [:]
    /// Still to be done on the target.
    public private(set) var owed: [Rename] = []
    private var missingSchemas: [String] = []
    /// Names that an owed rename needs, and that another table of the target has.
    public private(set) var blocked: [TableName] = []

    public init(_ tables: [Table], target: TargetNames) {
        let claimed = Set(tables.compactMap(\.targetOID))
        func isFree(_ name: TableName) -> Bool {
            target[name].map { !claimed.contains($0) } ?? false
        }
        for table in tables.sorted(by: { $0.id.rawValue < $1.id.rawValue }) {
            let following = Following(
                rename: Rename(id: table.id, from: table.stored, to: table.source),
                target: table.target)
            switch table.targetOID.flatMap({ target[$0] }) {
            case table.target?:
                if !table.isAsStored { done.append(following) }
            case let current?:
                // The operator put another table in its place: it is what has the name now.
                if table.isAsStored && isFree(table.target) { continue }
                // Missing under its name: said by whoever looks for it.
                if table.isAsStored && target[table.target] == nil { continue }
                owe(table, from: current)
            case nil:
                guard !table.isAsStored else { continue }
                // Not known by OID: as long as the old name is there, it has the rows.
                if table.storedTarget != table.target, isFree(table.storedTarget) {
                    owe(table, from: table.storedTarget)
                } else {
                    done.append(following)
                }
            }
        }
        missingSchemas = target.missingSchemas.filter { schema in
            owed.contains { $0.to.schema.isSameName(as: schema) }
        }
        let leaving = Set(owed.map(\.from))
        blocked = owed.map(\.to).filter { target[$0] != nil && !leaving.contains($0) }
    }

    private mutating func owe(_ table: Table, from current: TableName) {
        owed.append(Rename(id: table.id, from: current, to: table.target))
        guard table.stored == table.source, table.hasRule else { return }
        byRule[table.id] = ChangedRule(table, on: current)
    }

    /// The statements for the target, in an order in which they work.
    public var statements: [String] {
        var left = owed
        var lines = missingSchemas.map { "create schema \(SQLText.identifier($0));" }
        var leaving = Set(left.map(\.from))
        while !left.isEmpty {
            if let next = left.firstIndex(where: { !leaving.contains($0.to) }) {
                let rename = left.remove(at: next)
                leaving.remove(rename.from)
                lines += RenamePlan.statements(from: rename.from, to: rename.to)
            } else {
                // A ring of names: one steps aside.
                let aside = TableName(
                    schema: left[0].from.schema, name: "leat_renamed_\(left[0].id.rawValue)")
                lines += RenamePlan.statements(from: left[0].from, to: aside)
                leaving.remove(left[0].from)
                leaving.insert(aside)
                left[0].from = aside
            }
        }
        return lines
    }

    /// - Parameter kind: What stands behind ALTER.
    public static func statements(
        from: TableName, to: TableName, kind: String = "table"
    ) -> [String] {
        var lines: [String] = []
        var current = from
        if !from.schema.utf8.elementsEqual(to.schema.utf8) {
            lines.append(
                "alter \(kind) \(current.quoted) set schema \(SQLText.identifier(to.schema));")
            current.schema = to.schema
        }
        if !from.name.utf8.elementsEqual(to.name.utf8) {
            lines.append(
                "alter \(kind) \(current.quoted) rename to \(SQLText.identifier(to.name));")
        }
        return lines
    }

    /// What stops the stream; nil if nothing is owed.
    public var halt: Halt? {
        guard !owed.isEmpty else { return nil }
        let renamed = owed.filter { byRule[$0.id] == nil }
        let ruled = owed.compactMap { byRule[$0.id] }
        let list = renamed.map { "\($0.from) is \($0.to) on the source now" }
        let names = blocked.map(\.description).joined(separator: ", ")
        let room = blocked.isEmpty ? "" : "\nFirst make room there for \(names)."
        let messages =
            (list.isEmpty ? [] : ["Renamed: table \(list.joined(separator: ", table "))."])
            + ruled.map(\.message)
        return Halt(
            renamed.isEmpty ? .preflight : .stoppedOnChange,
            NameList.lines(messages).joined(separator: "\n"),
            advice: """
                On the target run, in one transaction:
                \(statements.joined(separator: "\n"))\(room)
                Then start again: it goes on where it stopped, and copies nothing anew.
                """ + ruled.map { "\n\($0.wayBack)" }.joined())
    }
}

/// A table that another rule of `--rename` than before brings elsewhere, or none any more.
private struct ChangedRule: Sendable, Equatable {
    private let stored: TableName
    private let storedTarget: TableName
    private let target: TableName
    private let current: TableName

    init(_ table: RenamePlan.Table, on current: TableName) {
        stored = table.stored
        storedTarget = table.storedTarget
        target = table.target
        self.current = current
    }

    var message: String {
        "Table \(stored) goes to \(target) by --rename, and is \(current) on the target."
    }

    var wayBack: String {
        guard storedTarget != stored else {
            return "Or start again without a --rename for \(TablePattern.text(of: stored))."
        }
        let rule = "\(TablePattern.text(of: stored))=\(TablePattern.text(of: storedTarget))"
        return "Or start again with it where it was: --rename \(ShellText.word(rule))"
    }
}

extension TableRoute {
    /// What gives tables that were made as the source has them their names of the target, in an order
    /// that works.
    public static func statements(renaming routes: [TableRoute]) -> [String] {
        let tables = routes.enumerated().map { number, route in
            RenamePlan.Table(
                id: RelationID(rawValue: UInt32(number + 1)), stored: route.source,
                source: route.source, targetOID: UInt32(number + 1), target: route.target)
        }
        let plan = RenamePlan(
            tables,
            target: RenamePlan.TargetNames(
                routes.enumerated().map { (oid: UInt32($0.offset + 1), name: $0.element.source) }))
        return plan.statements + routes.flatMap(\.columnStatements)
    }
}
