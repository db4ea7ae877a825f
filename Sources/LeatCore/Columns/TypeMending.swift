/// Statements for types that both sides have under one name, and that are made of something else
/// on the target: labels and fields that the source has got since.
struct TypeMending {
    let source: TypeCatalog
    let target: TypeCatalog

    /// What mends a source type and all that it is made of, in an order that works; empty if no
    /// statement does.
    func statements(for oid: UInt32) -> [String] {
        var seen: Set<UInt32> = []
        var lines: [String] = []
        collect(oid, seen: &seen, into: &lines)
        return lines
    }

    private func collect(_ oid: UInt32, seen: inout Set<UInt32>, into lines: inout [String]) {
        guard seen.insert(oid).inserted, let type = source[oid] else { return }
        for part in [type.inner] + type.fields.map(\.typeOID) {
            collect(part, seen: &seen, into: &lines)
        }
        guard !type.isBuiltIn, let twin = target.named(type.schema, name: type.name),
            type.kind == twin.kind
        else { return }
        switch type.kind {
        case .enum: lines += TypeCreation.labels(of: type, like: twin)
        case .composite: lines += fields(of: type, like: twin)
        case .base, .domain, .pseudo, .range, .multirange: break
        }
    }

    // MARK: Fields

    /// Rows have their fields by position, so only the last ones can be added or taken away.
    private func fields(of type: CatalogType, like twin: CatalogType) -> [String] {
        let (wanted, present) = (type.fields.map(\.definition), twin.fields.map(\.definition))
        guard wanted != present, !type.isGone else { return [] }
        let creation = TypeCreation(source: source, target: target)
        if wanted.starts(with: present) {
            return type.fields.dropFirst(present.count).flatMap { field in
                creation.statements(for: field.typeOID)
                    + ["alter type \(twin.quoted) add attribute \(field.definition);"]
            }
        }
        guard present.starts(with: wanted) else { return [] }
        return twin.fields.dropFirst(wanted.count).map { field in
            "alter type \(twin.quoted) drop attribute \(field.quotedName);"
        }
    }
}

extension CatalogType.Field {
    /// The definition begins with it, quoted; a quote in it is doubled.
    var quotedName: String {
        var name = "\""
        var isDoubled = false
        for scalar in definition.unicodeScalars.dropFirst() {
            if isDoubled, scalar != "\"" { break }
            isDoubled = scalar == "\"" && !isDoubled
            name.unicodeScalars.append(scalar)
        }
        return name
    }
}

extension TypeCatalog {
    /// The enums that both have, with the statements for labels that the target lacks.
    public func missingLabels(on target: TypeCatalog) -> [String] {
        enums.flatMap { type -> [String] in
            guard let twin = target.named(type.schema, name: type.name), twin.kind == .enum else {
                return []
            }
            return TypeCreation.labels(of: type, like: twin)
        }
    }
}
