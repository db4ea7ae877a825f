/// Whether values of a source column can be stored in a target column as they are.
///
/// Values travel in text form into the target type's own input function, so nothing here parses
/// one. What is refused is what an input function would take *and change*: a rounded fraction,
/// a dropped time of day. What it would reject, it rejects aloud.
public enum TypeMatch: Equatable, Sendable {
    /// The same type: text and binary forms are the same.
    case same
    /// The text form means the same value there.
    case castable
    /// The same enum, but values that have these labels would be rejected.
    case lacksLabels(String)
    case incompatible(String)

    /// A column's type with its modifier, and the catalog that describes it.
    public struct Side: Sendable {
        public var type: CatalogType
        public var modifier: Int32
        public var catalog: TypeCatalog

        public init(type: CatalogType, modifier: Int32, catalog: TypeCatalog) {
            self.type = type
            self.modifier = modifier
            self.catalog = catalog
        }

        fileprivate var base: Side {
            let (type, modifier) = catalog.base(type, modifier: modifier)
            return Side(type: type, modifier: modifier, catalog: catalog)
        }

        /// A type of the same catalog.
        fileprivate func type(_ oid: UInt32) -> Side? {
            catalog[oid].map { Side(type: $0, modifier: -1, catalog: catalog) }
        }

        fileprivate var subtype: Side? {
            [.range, .multirange].contains(type.kind) ? type(type.inner) : nil
        }

        fileprivate var element: Side? {
            guard type.category == "A", let element = catalog[type.inner] else { return nil }
            return Side(type: element, modifier: modifier, catalog: catalog)
        }
    }

    public init(source: Side, target: Side) {
        let match = TypeMatch.compare(source.base, with: target.base)
        let isSameName =
            source.type.schema == target.type.schema && source.type.name == target.type.name
        self = match == .same && !isSameName ? .castable : match
    }

    private static func compare(_ source: Side, with target: Side) -> TypeMatch {
        if source.type.schema == target.type.schema, source.type.name == target.type.name {
            return compareSame(source, with: target)
        }
        if let source = source.element, let target = target.element {
            let match = compare(source.base, with: target.base)
            return match == .same ? .castable : match
        }
        // Every type has a text form, and a text column keeps it.
        if target.type.isBuiltIn, textKinds.contains(target.type.name) {
            return TypeModifier.holdsAnyText(target.type.name, modifier: target.modifier)
                || TypeModifier.widens(
                    "varchar", from: TypeModifier.textLength(source), to: target.modifier)
                ? .castable : .incompatible("the target column may be too short")
        }
        if source.type.name == "time", target.type.name == "timetz", target.type.isBuiltIn {
            return .incompatible("its offset would be that of the day on which it is applied")
        }
        if target.type.name == "citext", textKinds.contains(source.type.name) { return .castable }
        guard source.type.isBuiltIn, target.type.isBuiltIn,
            widenings[source.type.name]?.contains(target.type.name) == true
        else { return .incompatible("no conversion that keeps every value") }
        return TypeModifier.holds(
            (source.type.name, source.modifier), in: (target.type.name, target.modifier))
            ? .castable : .incompatible("the target column's type modifier may change values")
    }

    private static func compareSame(_ source: Side, with target: Side) -> TypeMatch {
        if let reason = TextForm.difference(from: source, to: target) {
            return .incompatible(reason)
        }
        let missing = source.type.labels.filter { !target.type.labels.contains($0) }
        guard missing.isEmpty else {
            return .lacksLabels("the target's enum lacks \(missing.joined(separator: ", "))")
        }
        if let parts = compareParts(source, with: target) { return parts }
        guard
            TypeModifier.widens(target.type.name, from: source.modifier, to: target.modifier)
        else {
            return .incompatible("the target column is narrower")
        }
        return .same
    }

    /// What has the same name may still be made of something else.
    ///
    /// - Returns: Nil if the type is the same as far as its parts go.
    private static func compareParts(_ source: Side, with target: Side) -> TypeMatch? {
        if let source = source.element, let target = target.element {
            return compare(source.base, with: target.base)
        }
        if let inner = source.subtype, let other = target.subtype {
            // A wider subtype would be taken, but not in binary form, nor as the same type.
            let isSame = compare(inner.base, with: other.base) == .same
            return isSame ? nil : .incompatible("the range's subtype is another on the target")
        }
        // The text form of a row has no names: other fields would take its values in turn.
        let fields = zip(source.type.fields, target.type.fields)
        guard source.type.fields.count == target.type.fields.count,
            fields.allSatisfy({ $0.definition == $1.definition })
        else {
            return .incompatible(
                source.type.isGone
                    ? "the type was dropped on the source, so its fields cannot be compared"
                    : "the type's fields are others on the target")
        }
        for (field, other) in fields {
            guard let inner = source.type(field.typeOID), let outer = target.type(other.typeOID),
                let reason = compare(inner.base, with: outer.base).obstacle
            else { continue }
            return .incompatible("its field \(field.definition): \(reason)")
        }
        return nil
    }

    /// Why values, or those of some labels, cannot be stored; nil if they can.
    var obstacle: String? {
        switch self {
        case .same, .castable: nil
        case .lacksLabels(let reason), .incompatible(let reason): reason
        }
    }

    /// Whether a moment without a zone goes into a column of moments: `timestamp` and `date` into
    /// `timestamptz`, also as what an array or a domain is made of.
    public static func asksForZone(source: Side, target: Side) -> Bool {
        let (source, target) = (source.base, target.base)
        if let source = source.element, let target = target.element {
            return asksForZone(source: source, target: target)
        }
        return source.type.isBuiltIn && target.type.isBuiltIn
            && ["timestamp", "date"].contains(source.type.name) && target.type.name == "timestamptz"
    }

    private static let textKinds: Set<String> = ["text", "varchar"]

    /// From a built-in type to those that hold each of its values exactly.
    private static let widenings: [String: Set<String>] = [
        "int2": ["int4", "int8", "numeric", "float4", "float8"],
        "int4": ["int8", "numeric", "float8"],
        "int8": ["numeric"],
        "oid": ["int8", "numeric"],
        // Whole numbers, as far as the precision says.
        "numeric": ["int2", "int4", "int8"],
        "float4": ["float8"],
        "bit": ["varbit"],
        "cidr": ["inet"],
        // Without a zone into one: the session's says which moment it is.
        "date": ["timestamp", "timestamptz"],
        "timestamp": ["timestamptz"],
        "time": ["interval"],
        "jsonb": ["json"],
    ]
}
