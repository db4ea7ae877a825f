internal import PGWire

/// Whether a column's type takes what the source sends, and which statement mends it where not.
extension ColumnMatcher {
    /// A type that was changed together with the rows: the target's column has to follow, even if
    /// it takes the new values as it is.
    mutating func checkRetyped(
        _ column: RelationColumn, at index: Int, on found: TargetTable.Column
    ) {
        guard let number = routes.numbers[index], let earlier = routes.earlier[index],
            earlier.typeOID != column.typeOID || earlier.typeModifier != column.typeModifier,
            retyping.numbers.contains(number),
            retyping.targets[number] == TableDefinition.TargetType(found)
        else { return }
        let definition = definition(column)
        guard !isOfType(of: column, found) else {
            return doubts.append(.retyped(column: column.name, type: definition))
        }
        rewritten.append(found.name)
        guard mismatched.insert(found.name).inserted else { return }
        taken.append(problems.count)
        problems.append(
            "column \(column.name) is \(definition) on the source, by an ALTER that rewrote its "
                + "rows, and \(found.definition) on the target")
        mends += creation.statements(for: column.typeOID)
        mends.append(retyping(column, from: found))
    }

    /// A default of another type stands in the way of a cast.
    private mutating func retyping(
        _ column: RelationColumn, from found: TargetTable.Column
    ) -> String {
        guard !isEmptied || column.isKey || mayCast(found, to: column) else {
            let name = SQLText.identifier(found.name)
            return "alter table \(target.name.quoted) drop column \(name), "
                + "add column \(name) \(definition(column));"
        }
        retyped.append(found.name)
        let (using, name) = (using(column, from: found), SQLText.identifier(found.name))
        var steps = ["alter column \(name) type \(definition(column))\(using)"]
        if !using.isEmpty, found.hasDefault {
            steps.insert("alter column \(name) drop default", at: 0)
            if let text = routes.source[column.name]?.defaultExpression {
                steps.append("alter column \(name) set default \(text)")
            }
        }
        return "alter table \(target.name.quoted) \(steps.joined(separator: ", "));"
    }

    /// Whether values of the target's column may become those of another type. Between built-in
    /// types of different categories there is no cast but to text, and what a text says is not known.
    private func mayCast(_ found: TargetTable.Column, to column: RelationColumn) -> Bool {
        guard let new = sourceTypes[column.typeOID], let old = targetTypes[found.typeOID] else {
            return false
        }
        return new.isBuiltIn && old.isBuiltIn
            && (new.category == "S" || new.category == old.category)
    }

    /// Where there may be no cast by assignment, the text form is the way: of built-in types numbers
    /// become numbers, dates dates, and anything a text.
    private func using(_ column: RelationColumn, from found: TargetTable.Column) -> String {
        if let zoned = zoned(column, from: found) { return zoned }
        guard let source = sourceTypes[column.typeOID], let target = targetTypes[found.typeOID]
        else { return "" }
        let isAssigned =
            source.isBuiltIn && target.isBuiltIn
            && (source.category == "S"
                || ["N", "D"].contains(source.category)
                    && source.category == target.category)
        // Rows that go need not fit: what is cast by name is cut.
        let isCut = isEmptied && source.category == "S" && column.typeModifier >= 0
        guard !isAssigned || isCut else { return "" }
        return " using \(SQLText.identifier(found.name))::text::\(definition(column))"
    }

    private func isOfType(of column: RelationColumn, _ found: TargetTable.Column) -> Bool {
        guard let source = sourceTypes[column.typeOID], let type = targetTypes[found.typeOID] else {
            return false
        }
        return source.schema.isSameName(as: type.schema) && source.name.isSameName(as: type.name)
            && column.typeModifier == found.typeModifier
    }

    /// From a time without a zone to one with: the zone of the session that altered the source
    /// decided.
    private func zoned(_ column: RelationColumn, from found: TargetTable.Column) -> String? {
        guard sourceTypes[column.typeOID]?.name == "timestamptz",
            let now = targetTypes[found.typeOID],
            now.isBuiltIn, ["timestamp", "date"].contains(now.name)
        else { return nil }
        return " using \(SQLText.identifier(found.name))::timestamp at time zone 'UTC'"
    }

    func domainBase(_ type: CatalogType) -> String? {
        guard type.kind == .domain else { return nil }
        let base = targetTypes.base(type, modifier: -1).type
        return "\(SQLText.identifier(base.schema)).\(SQLText.identifier(base.name))"
    }

    var creation: TypeCreation { TypeCreation(source: sourceTypes, target: targetTypes) }

    /// The target may have the source's present type already while values of the one before are
    /// still to come: what the source made of those by its ALTER, the target makes of them now,
    /// or refuses aloud.
    private func isAltered(_ now: SourceColumn?, on found: TargetTable.Column) -> Bool {
        guard let now, let type = sourceTypes[now.typeOID],
            let targetType = targetTypes[found.typeOID]
        else { return false }
        let match = TypeMatch(
            source: .init(type: type, modifier: now.typeModifier, catalog: sourceTypes),
            target: .init(type: targetType, modifier: found.typeModifier, catalog: targetTypes))
        return match.obstacle == nil
    }

    mutating func checkType(
        of column: RelationColumn, on found: TargetTable.Column, now: SourceColumn?
    ) {
        guard let sourceType = sourceTypes[column.typeOID],
            let targetType = targetTypes[found.typeOID]
        else {
            problems.append("the type of column \(column.name) is unknown")
            return
        }
        let match = TypeMatch(
            source: .init(
                type: sourceType, modifier: column.typeModifier, catalog: sourceTypes),
            target: .init(type: targetType, modifier: found.typeModifier, catalog: targetTypes))
        if case .lacksLabels = match, !checksLabels { return }
        guard let reason = obstacle(match, of: column, on: found, now: now) else { return }
        mismatched.insert(found.name)
        problems.append(
            "column \(column.name) is \(definition(column)) on the source and "
                + "\(found.definition) on the target: \(reason)")
        guard !mendParts(of: sourceType, on: targetType),
            !mendName(of: sourceType, on: targetType)
        else { return }
        mends += creation.statements(for: column.typeOID)
        guard !sourceType.isGone, !hasSameDefinition(column, as: found) else {
            let name = SQLText.identifier(found.name)
            mends.append("alter table \(target.name.quoted) alter column \(name) type text;")
            return
        }
        mends.append(retyping(column, from: found))
    }

    private func obstacle(
        _ match: TypeMatch, of column: RelationColumn, on found: TargetTable.Column,
        now: SourceColumn?
    ) -> String? {
        if let reason = match.obstacle, !isAltered(now, on: found) { return reason }
        guard computed.contains(column.name), !isOfType(of: column, found) else { return nil }
        return "what is generated from it is not computed there"
    }

    /// A built-in type that does not fit although it is the same: text takes its values.
    private func hasSameDefinition(_ column: RelationColumn, as found: TargetTable.Column) -> Bool {
        column.typeOID == found.typeOID && column.typeModifier == found.typeModifier
            && targetTypes[found.typeOID]?.isBuiltIn == true
    }

    /// A type of the same name gets the labels and fields that it lacks, and those that it is
    /// made of do. False if nothing of it can be mended so.
    private mutating func mendParts(of source: CatalogType, on target: CatalogType) -> Bool {
        guard source.schema.isSameName(as: target.schema), source.name.isSameName(as: target.name)
        else { return false }
        let lines = TypeMending(source: sourceTypes, target: targetTypes)
            .statements(for: source.oid)
        mends += lines.filter { !mends.contains($0) }
        return !lines.isEmpty
    }

    /// A type of one's own whose name the target lacks, while it has one that the source lacks
    /// and that is made of the same, was renamed. False if it was not.
    private mutating func mendName(of source: CatalogType, on target: CatalogType) -> Bool {
        guard !source.isBuiltIn, !target.isBuiltIn, source.kind == target.kind,
            source.labels == target.labels,
            source.fields.map(\.definition) == target.fields.map(\.definition),
            source.schema.isSameName(as: target.schema), source.category != "A",
            targetTypes.named(source.schema, name: source.name) == nil,
            sourceTypes.named(target.schema, name: target.name) == nil
        else { return false }
        let kind = source.kind == .domain ? "domain" : "type"
        mends.append(
            "alter \(kind) \(target.quoted) rename to \(SQLText.identifier(source.name));")
        return true
    }

    func definition(_ column: RelationColumn) -> String {
        guard let type = sourceTypes[column.typeOID] else { return "type \(column.typeOID)" }
        return type.definition(column.typeModifier)
    }
}
