import LeatTestSupport

/// What is done to columns. Each returns nil where a table has none for it.
extension HistoryDDLGenerator {
    mutating func columnChange(_ index: Int) -> [String]? {
        switch Int.random(in: 0..<14, using: &random) {
        case 0, 1: remake(index)
        case 2: addFilled(index)
        case 3: addNumbered(index)
        case 4: addPlain(index)
        case 5, 6, 7: retype(index)
        case 8: retypeKey(index)
        case 9: rename(index)
        case 10: swapNames(index)
        case 11: takeName(index)
        case 12: generate(index)
        default: drop(index)
        }
    }

    private mutating func pick(
        _ index: Int, where isFit: (Table.Column) -> Bool = { _ in true }
    ) -> Int? {
        tables[index].free.filter { isFit(tables[index].columns[$0]) }
            .randomElement(using: &random)
    }

    private func alter(_ index: Int) -> String { "alter table \(tables[index].name)" }

    /// `drop v, add v`: in one statement, or two.
    private mutating func remake(_ index: Int) -> [String]? {
        guard let at = pick(index) else { return nil }
        let name = tables[index].columns[at].quoted
        var column = tables[index].columns.remove(at: at)
        column.isNotNull = false
        if random.once(in: 4) { column.type = column.type == .text ? .integer : .text }
        tables[index].columns.append(column)
        let add =
            "add \(name) \(column.type.rawValue)"
            + (random.once(in: 3) ? " default \(column.type.value("5"))" : "")
        let alter = alter(index)
        return random.once(in: 2)
            ? ["\(alter) drop \(name), \(add);"] : ["\(alter) drop \(name);", "\(alter) \(add);"]
    }

    /// NOT NULL with a default, which is dropped again, and then forgotten.
    private mutating func addFilled(_ index: Int) -> [String]? {
        let type: HistoryDDLType = [.text, .integer, .time].randomElement(using: &random) ?? .text
        let column = Table.Column(name: name("c"), type: type, isNotNull: random.once(in: 2))
        tables[index].columns.append(column)
        let alter = alter(index)
        let rule = column.isNotNull ? " not null" : ""
        var lines = [
            "\(alter) add \(column.name) \(type.rawValue)\(rule) default \(type.value("9"));"
        ]
        if random.once(in: 2) { lines.append("\(alter) alter \(column.name) drop default;") }
        if random.once(in: 2) { lines.append("vacuum full \(tables[index].name);") }
        return lines
    }

    /// Each row gets a value of its own.
    private mutating func addNumbered(_ index: Int) -> [String]? {
        let name = name("s")
        let isSerial = random.once(in: 2)
        guard isSerial || !tables[index].isPartitioned || version.rawValue >= 17 else { return nil }
        let definition =
            isSerial
            ? "serial"
            : "int generated \(random.once(in: 2) ? "always" : "by default") as identity"
        tables[index].columns.append(
            .init(name: name, type: .integer, isNotNull: true, isPinned: true, isComputed: true))
        return ["\(alter(index)) add \(name) \(definition);"]
    }

    private mutating func addPlain(_ index: Int) -> [String]? {
        let type: HistoryDDLType = [.text, .decimal, .date].randomElement(using: &random) ?? .text
        let column = Table.Column(name: name("c"), type: type)
        tables[index].columns.append(column)
        return ["\(alter(index)) add \(column.name) \(type.rawValue);"]
    }

    private mutating func drop(_ index: Int) -> [String]? {
        guard tables[index].free.count > 2, let at = pick(index) else { return nil }
        let column = tables[index].columns.remove(at: at)
        return ["\(alter(index)) drop \(column.quoted);"]
    }

    // MARK: Types

    private mutating func retype(_ index: Int) -> [String]? {
        guard let at = pick(index),
            let retyping = tables[index].columns[at].type.retypings.randomElement(using: &random)
        else { return nil }
        return [retype(index, at, retyping)]
    }

    private mutating func retypeKey(_ index: Int) -> [String]? {
        guard !tables[index].isPartitioned,
            let at = tables[index].columns.firstIndex(where: \.isKey)
        else { return nil }
        let fit = tables[index].columns[at].type.retypings.filter { $0.type.isWhole }
        guard let retyping = fit.randomElement(using: &random) else { return nil }
        return [retype(index, at, retyping)]
    }

    private mutating func retype(
        _ index: Int, _ at: Int, _ retyping: HistoryDDLType.Retyping
    ) -> String {
        let column = tables[index].columns[at].quoted
        tables[index].columns[at].type = retyping.type
        tables[index].retypings.append(retypings.count)
        tables[index].columns[at].retypings.append(retypings.count)
        retypings.append(
            .init(
                tables: [tables[index].name], columns: [tables[index].columns[at].name],
                using: retyping.using))
        let using = retyping.using.map { " using \($0.replacing("#", with: column))" } ?? ""
        return "\(alter(index)) alter \(column) type \(retyping.type.rawValue)\(using);"
    }

    // MARK: Names

    private mutating func rename(_ index: Int) -> [String]? {
        // Any but those that something else is named by.
        let fit = tables[index].columns.indices.filter {
            !["n", "u"].contains(tables[index].columns[$0].name)
        }
        guard let at = fit.randomElement(using: &random) else { return nil }
        let old = tables[index].columns[at].quoted
        rename(index, column: at, to: name("renamed_"))
        if tables[index].generated == old {
            tables[index].generated = tables[index].columns[at].name
        }
        return ["\(alter(index)) rename \(old) to \(tables[index].columns[at].name);"]
    }

    private mutating func swapNames(_ index: Int) -> [String]? {
        guard let first = pick(index), let second = pick(index), first != second else { return nil }
        let (one, other) = (tables[index].columns[first], tables[index].columns[second])
        rename(index, column: first, to: other.name)
        rename(index, column: second, to: one.name)
        let alter = alter(index)
        return [
            "\(alter) rename \(one.quoted) to aside;",
            "\(alter) rename \(other.quoted) to \(one.quoted);",
            "\(alter) rename aside to \(other.quoted);",
        ]
    }

    /// `drop a; rename b to a`.
    private mutating func takeName(_ index: Int) -> [String]? {
        guard tables[index].free.count > 3, let gone = pick(index), let taker = pick(index),
            gone != taker
        else { return nil }
        let (old, new) = (tables[index].columns[gone], tables[index].columns[taker])
        rename(index, column: taker, to: old.name)
        tables[index].columns.remove(at: gone)
        return [
            "\(alter(index)) drop \(old.quoted);",
            "\(alter(index)) rename \(new.quoted) to \(old.quoted);",
        ]
    }

    // MARK: Generated ones

    private mutating func generate(_ index: Int) -> [String]? {
        guard !tables[index].isFull else { return nil }
        let alter = alter(index)
        var lines: [String] = []
        if random.once(in: 3) {
            // Over a column that is new as well.
            let column = Table.Column(name: name("c"), type: .integer)
            tables[index].columns.append(column)
            lines.append("\(alter) add \(column.name) int;")
        }
        guard let expression = expression(index, last: !lines.isEmpty) else { return nil }
        let kind = version.rawValue >= 18 && random.once(in: 2) ? "virtual" : "stored"
        guard let known = tables[index].generated,
            let at = tables[index].columns.firstIndex(where: { $0.name == known })
        else {
            let name = name("g")
            tables[index].generated = name
            tables[index].isVirtual = kind == "virtual"
            tables[index].columns.append(
                .init(name: name, type: .integer, isPinned: true, isComputed: true))
            lines.append("\(alter) add \(name) int generated always as \(expression) \(kind);")
            return lines
        }
        // The server refuses it for a virtual one beside a CHECK.
        if version.rawValue >= 17, random.once(in: 2), !tables[index].isVirtual {
            return lines + ["\(alter) alter \(known) set expression as \(expression);"]
        }
        guard random.once(in: 2) else {
            tables[index].isVirtual = kind == "virtual"
            let column = "\(known) int generated always as \(expression) \(kind)"
            return lines + ["\(alter) drop \(known), add \(column);"]
        }
        tables[index].generated = nil
        tables[index].columns.remove(at: at)
        return lines + ["\(alter) drop \(known);"]
    }

    private mutating func expression(_ index: Int, last: Bool) -> String? {
        let whole = tables[index].columns.indices.filter {
            let column = tables[index].columns[$0]
            return column.type == .integer && !column.isComputed && !column.isKey
        }
        guard let at = last ? whole.last : whole.randomElement(using: &random) else { return nil }
        tables[index].columns[at].isPinned = true
        let factor = Int.random(in: 2...9, using: &random)
        return "(\(tables[index].columns[at].quoted) * \(factor))"
    }
}
