public import PGWire

extension CatalogType {
    /// A type that the source has dropped since it sent values of it: the stream's own words
    /// are all that is left.
    ///
    /// They are a name. A type of that name on the target is taken to be its twin: what it
    /// cannot read it refuses aloud, as an enum does with a label that it lacks. For a domain
    /// the server names the type beneath it. What could be read and still mean something else
    /// is no twin: the fields of a row, which come without names.
    ///
    /// - Parameter rules: By which it may have another name there.
    public init(
        _ description: TypeDescription, target: TypeCatalog,
        renamedBy rules: RenameRules = RenameRules()
    ) {
        let schema = description.schema.isEmpty ? "pg_catalog" : description.schema
        let own = TableName(schema: schema, name: description.name)
        let moved = rules.target(of: own)
        let candidates = moved == own ? [own] : [moved, own]
        let twin = candidates.lazy.compactMap { target.named($0.schema, name: $0.name) }.first
        let hasFields = twin.map(target.isMadeOfFields) ?? false
        self.init(
            oid: description.oid, schema: twin?.schema ?? schema,
            name: twin?.name ?? description.name,
            kind: twin?.kind ?? .base, category: twin?.category ?? "U",
            fields: hasFields ? [CatalogType.unknownField] : [])
    }

    /// In place of the fields of a type that is gone: equal to no field.
    private static let unknownField = Field(definition: "", typeOID: 0)

    var isGone: Bool { fields == [CatalogType.unknownField] }
}
