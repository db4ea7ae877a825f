/// Statements that make a type on the target as the source has it.
struct TypeCreation {
    let source: TypeCatalog
    let target: TypeCatalog

    /// What has to be run before a column can have this type; empty if the target has it, or if
    /// nobody knows what makes it.
    func statements(for oid: UInt32) -> [String] {
        guard let type = source[oid], !type.isBuiltIn,
            target.named(type.schema, name: type.name) == nil
        else { return [] }
        if type.category == "A" { return statements(for: type.inner) }
        if let provider = type.provider { return creation(of: provider) }
        let name = type.quoted
        switch type.kind {
        case .enum:
            let labels = type.labels.map(SQLText.printedLiteral).joined(separator: ", ")
            return ["create type \(name) as enum (\(labels));"]
        case .domain:
            guard let base = source[type.inner] else { return [] }
            let definition = base.definition(type.modifier)
            return statements(for: type.inner) + ["create domain \(name) as \(definition);"]
        case .composite:
            let fields = type.fields.map(\.definition).joined(separator: ", ")
            return ["create type \(name) as (\(fields));"]
        case .base, .pseudo, .range, .multirange:
            return []
        }
    }

    private func creation(of provider: CatalogType.Provider) -> [String] {
        let schema = SQLText.identifier(provider.schema)
        // What every database begins with.
        let room = provider.schema == "public" ? [] : ["create schema if not exists \(schema);"]
        return room + [
            "create extension if not exists \(SQLText.identifier(provider.name)) "
                + "with schema \(schema);"
        ]
    }

    /// Gives an enum the labels that it lacks, each in its place.
    ///
    /// A label that the target alone has where it lacks one was renamed: there is no way to drop
    /// one. To add the new name would leave the old one in the rows that have it.
    static func labels(of source: CatalogType, like target: CatalogType) -> [String] {
        var present = target.labels
        var lines: [String] = []
        for (now, there) in gaps(of: source.labels, in: target.labels) where !now.isEmpty {
            guard now.count == there.count else {
                if !there.isEmpty {
                    let list = there.map(SQLText.printedLiteral).joined(separator: ", ")
                    lines.append(
                        "-- \(target.quoted) has \(list) on the target alone: if a value was "
                            + "renamed on the source, rename it instead of adding the new name")
                }
                continue
            }
            for (new, old) in zip(now, there) {
                present = present.map { $0 == old ? new : $0 }
                lines.append(
                    "alter type \(target.quoted) rename value \(SQLText.printedLiteral(old)) "
                        + "to \(SQLText.printedLiteral(new));")
            }
        }
        for (index, label) in source.labels.enumerated() where !present.contains(label) {
            let value = SQLText.printedLiteral(label)
            var line = "alter type \(target.quoted) add value \(value)"
            if let before = source.labels[..<index].last(where: present.contains) {
                line += " after \(SQLText.printedLiteral(before))"
                present.insert(label, at: (present.firstIndex(of: before) ?? -1) + 1)
            } else if let first = present.first {
                line += " before \(SQLText.printedLiteral(first))"
                present.insert(label, at: 0)
            } else {
                present.append(label)
            }
            lines.append(line + ";")
        }
        return lines
    }

    /// What either side alone has, between labels that both have. None if those are in another
    /// order.
    private static func gaps(
        of source: [String], in target: [String]
    ) -> [(source: [String], target: [String])] {
        let common = Set(source).intersection(target)
        guard source.filter(common.contains) == target.filter(common.contains) else { return [] }
        func gaps(_ labels: [String]) -> [[String]] {
            labels.split(omittingEmptySubsequences: false, whereSeparator: common.contains)
                .map(Array.init)
        }
        return zip(gaps(source), gaps(target)).map { (source: $0, target: $1) }
    }
}

extension CatalogType {
    var quoted: String { "\(SQLText.identifier(schema)).\(SQLText.identifier(name))" }

    /// As a column's definition says it; a modifier is printed raw where its meaning is the
    /// type's own.
    public func definition(_ modifier: Int32) -> String {
        // Without its quotes "char" is another type.
        let plain = name == "char" ? "\"char\"" : name
        return (isBuiltIn ? plain : quoted) + TypeModifier.suffix(of: name, modifier: modifier)
    }
}
