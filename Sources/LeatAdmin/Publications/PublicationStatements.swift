public import LeatCore

/// Kinds of changes that a publication sends: its `publish` parameter.
public enum PublishedOperation: String, Sendable, CaseIterable {
    case insert, update, delete, truncate

    /// Whether a table needs a replica identity for it.
    public var needsIdentity: Bool { self == .update || self == .delete }
}

/// A table of a publication, as `FOR TABLE` names it.
public struct PublicationTable: Sendable, Equatable {
    public var name: TableName
    public var isPartitioned: Bool
    /// Nil: all.
    public var columns: [String]?
    /// SQL, as it was given or as the server prints it; nil: all rows.
    public var rowFilter: String?

    public init(
        name: TableName, isPartitioned: Bool, columns: [String]? = nil, rowFilter: String? = nil
    ) {
        self.name = name
        self.isPartitioned = isPartitioned
        self.columns = columns
        self.rowFilter = rowFilter
    }

    /// Without `only` the children that inherit from an ordinary table would come along.
    var reference: String { (isPartitioned ? "" : "only ") + name.quoted }

    var definition: String {
        let list = columns.map { " (\($0.map(SQLText.identifier).joined(separator: ", ")))" } ?? ""
        return reference + list + (rowFilter.map { " where (\($0))" } ?? "")
    }
}

/// A publication to be made.
public struct PublicationDefinition: Sendable, Equatable {
    public var name: String
    public var isForAllTables = false
    public var tables: [PublicationTable] = []
    public var schemas: [String] = []
    /// Nil: all.
    public var operations: [PublishedOperation]?
    public var isViaRoot = true

    public init(name: String) {
        self.name = name
    }

    public var statement: String {
        let scope =
            isForAllTables
            ? ["for all tables"]
            : PublicationChange.objects("for", tables: tables.map(\.definition), schemas: schemas)
        let parameters = PublicationChange.parameters(operations, isViaRoot: isViaRoot)
        let lines = ["create publication \(SQLText.identifier(name))"] + scope
        return (lines + ["with (\(parameters))"]).joined(separator: "\n  ") + ";"
    }
}

/// What is to become different about a publication.
public struct PublicationChange: Sendable, Equatable {
    public var name: String
    public var added: [PublicationTable] = []
    public var addedSchemas: [String] = []
    public var dropped: [PublicationTable] = []
    public var droppedSchemas: [String] = []
    /// In it already, and with other columns or rows than before.
    public var redefined: [PublicationTable] = []
    public var operations: [PublishedOperation]?
    public var isViaRoot: Bool?

    public init(name: String) {
        self.name = name
    }

    /// To be run in one transaction: nobody sees a table missing that is only redefined.
    public var statements: [String] {
        let alter = "alter publication \(SQLText.identifier(name))"
        var statements: [String] = []
        func append(_ verb: String, tables: [String], schemas: [String]) {
            guard !(tables.isEmpty && schemas.isEmpty) else { return }
            let lines = [alter] + PublicationChange.objects(verb, tables: tables, schemas: schemas)
            statements.append(lines.joined(separator: "\n  ") + ";")
        }
        append("drop", tables: (dropped + redefined).map(\.reference), schemas: droppedSchemas)
        // The parameters before what depends on them: a row filter of a partitioned table goes
        // with publish_via_partition_root only.
        if operations != nil || isViaRoot != nil {
            let parameters = PublicationChange.parameters(operations, isViaRoot: isViaRoot)
            statements.append("\(alter)\n  set (\(parameters));")
        }
        append("add", tables: (redefined + added).map(\.definition), schemas: addedSchemas)
        return statements
    }

    /// Changes that a reader had would stay away.
    public var takesAway: Bool {
        !(dropped.isEmpty && droppedSchemas.isEmpty && redefined.isEmpty) || operations != nil
            || isViaRoot != nil
    }

    static func objects(_ verb: String, tables: [String], schemas: [String]) -> [String] {
        var groups: [String] = []
        if !tables.isEmpty { groups.append("table " + tables.joined(separator: ",\n    ")) }
        if !schemas.isEmpty {
            let names = schemas.map(SQLText.identifier)
            groups.append("tables in schema " + names.joined(separator: ", "))
        }
        return groups.isEmpty ? [] : ["\(verb) " + groups.joined(separator: ",\n    ")]
    }

    static func parameters(_ operations: [PublishedOperation]?, isViaRoot: Bool?) -> String {
        var parameters: [String] = []
        if let operations {
            let list = operations.map(\.rawValue).joined(separator: ", ")
            parameters.append("publish = '\(list)'")
        }
        if let isViaRoot { parameters.append("publish_via_partition_root = \(isViaRoot)") }
        return parameters.joined(separator: ", ")
    }
}
