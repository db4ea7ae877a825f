/// One point in which two schemas differ.
public struct SchemaDifference: Sendable, Codable, Equatable {
    public var kind: SchemaKind
    /// Quoted where it has to be, with its schema; of a column, constraint or trigger also with its
    /// table's name.
    public var object: String
    /// What of it differs; `object` if only one side has it.
    public var property: String
    /// Nil where the source has none.
    public var source: String?
    /// Nil where the target has none.
    public var target: String?

    public static let wholeObject = "object"

    /// Null where there is nothing: each has all five keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(object, forKey: .object)
        try container.encode(property, forKey: .property)
        try container.encode(source, forKey: .source)
        try container.encode(target, forKey: .target)
    }

    /// What only one side has comes once: nothing of a table that is missing is told beside it.
    static func between(
        source: SchemaFacts, target: SchemaFacts
    ) -> [SchemaDifference] {
        let objects = Set(source.objects.keys).union(target.objects.keys)
        return objects.sorted().flatMap { object -> [SchemaDifference] in
            switch (source.objects[object], target.objects[object]) {
            case (let left?, let right?):
                return properties(of: object, source: left, target: right)
            case (let left?, nil):
                guard left.table.map(target.has) ?? true else { return [] }
                return [whole(object, source: left.summary, target: nil)]
            case (nil, let right?):
                guard right.table.map(source.has) ?? true else { return [] }
                return [whole(object, source: nil, target: right.summary)]
            case (nil, nil):
                return []
            }
        }
    }

    private static func properties(
        of object: SchemaObject, source: SchemaFacts.Facts, target: SchemaFacts.Facts
    ) -> [SchemaDifference] {
        Set(source.properties.keys).union(target.properties.keys).sorted().compactMap { property in
            let (left, right) = (source.properties[property], target.properties[property])
            guard left != right else { return nil }
            return SchemaDifference(
                kind: object.kind, object: object.name, property: property, source: left,
                target: right)
        }
    }

    private static func whole(
        _ object: SchemaObject, source: String?, target: String?
    ) -> SchemaDifference {
        SchemaDifference(
            kind: object.kind, object: object.name, property: wholeObject, source: source,
            target: target)
    }
}

extension SchemaFacts.Facts {
    /// What it is, in a word or by its definition.
    fileprivate var summary: String {
        ["definition", "type", "version", "kind"].lazy.compactMap { properties[$0] }.first
            ?? "present"
    }
}
