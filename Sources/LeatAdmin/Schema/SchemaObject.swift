/// What a schema is made of, by the words of `leat schema diff`.
public enum SchemaKind: String, Sendable, Codable, CaseIterable, Comparable {
    case database, schema, `extension`, collation, type, sequence, table, column, constraint, index
    case view, function, trigger, rule, policy, privilege

    /// In the order in which they can be made.
    public static func < (left: SchemaKind, right: SchemaKind) -> Bool {
        let all = SchemaKind.allCases
        return all.firstIndex(of: left) ?? 0 < all.firstIndex(of: right) ?? 0
    }
}

/// An object of a schema.
struct SchemaObject: Hashable, Sendable, Comparable {
    var kind: SchemaKind
    /// Quoted where it has to be, with its schema; of a column, constraint or trigger also with its
    /// table's name.
    var name: String

    static func < (left: SchemaObject, right: SchemaObject) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }
}

/// What the catalogs of one side say of its objects.
struct SchemaFacts: Sendable, Equatable {
    struct Facts: Sendable, Equatable {
        /// The table that it goes with.
        var table: String?
        /// By name, as `definition`; only those that have a value.
        var properties: [String: String] = [:]
    }

    var objects: [SchemaObject: Facts] = [:]

    mutating func add(
        _ object: SchemaObject, ofTable table: String? = nil, _ property: String, is value: String
    ) {
        objects[object, default: Facts(table: table)].properties[property] = value
    }

    func has(table: String) -> Bool {
        objects[SchemaObject(kind: .table, name: table)] != nil
            || objects[SchemaObject(kind: .view, name: table)] != nil
    }
}
