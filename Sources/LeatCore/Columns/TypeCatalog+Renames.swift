internal import PGWire

extension TypeCatalog {
    /// The source's types under the names that they have on the target: those of a schema that a rule
    /// renames are in that schema there, and a table's row type has the table's name.
    ///
    /// Types need not move with the tables: one that the target has only where the source has it
    /// stays. So does one of an extension, if it is nowhere.
    public func renamed(by rules: RenameRules, on target: TypeCatalog) -> TypeCatalog {
        guard !rules.isEmpty else { return self }
        let there = Set(target.all.map(\.fullName))
        var moved: [UInt32: TableName] = [:]
        for type in all where !type.isBuiltIn {
            let (now, name) = (type.fullName, rules.target(of: type.fullName))
            let isNowhere = !there.contains(now) && type.provider == nil
            if name != now, there.contains(name) || isNowhere { moved[type.oid] = name }
        }
        guard !moved.isEmpty else { return self }
        return TypeCatalog(all.map { renamed($0, moved) }, server: server)
    }

    private func renamed(_ type: CatalogType, _ moved: [UInt32: TableName]) -> CatalogType {
        var type = type
        type.fields = type.fields.map { field in
            guard let part = self[field.typeOID] else { return field }
            let element = part.category == "A" ? self[part.inner] ?? part : part
            guard let name = moved[element.oid] else { return field }
            return field.renamed(from: element.fullName, to: name)
        }
        if let name = moved[type.oid] { (type.schema, type.name) = (name.schema, name.name) }
        return type
    }
}

extension CatalogType {
    /// Types share their names with tables: each of those has a row type.
    public var fullName: TableName { TableName(schema: schema, name: name) }
}

extension CatalogType.Field {
    /// With another name of its type, as `format_type` prints that.
    fileprivate func renamed(from old: TableName, to new: TableName) -> CatalogType.Field {
        let name = quotedName + " "
        guard definition.hasPrefix(name) else { return self }
        let type = definition.dropFirst(name.count)
        for text in [old.printed, old.listed] where type.hasPrefix(text) {
            return CatalogType.Field(
                definition: name + new.printed + type.dropFirst(text.count), typeOID: typeOID)
        }
        return self
    }
}

extension TableName {
    /// As the server prints it: quoted where it has to be, but for keywords.
    fileprivate var printed: String {
        [schema, name].map { part in
            let isPlain = part.utf8.enumerated().allSatisfy { index, byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
                default: false
                }
            }
            return isPlain ? part : SQLText.listed(part)
        }.joined(separator: ".")
    }
}
