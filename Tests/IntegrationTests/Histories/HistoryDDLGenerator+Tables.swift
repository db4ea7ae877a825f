import LeatTestSupport

/// What is done to rules, and to the files of a table.
extension HistoryDDLGenerator {
    private func column(_ name: String, _ index: Int) -> Int? {
        tables[index].columns.firstIndex { $0.name == name }
    }

    mutating func ruleChange(_ index: Int) -> [String]? {
        let alter = "alter table \(tables[index].name)"
        let original = tables[index].original
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            guard let n = column("n", index), !tables[index].hasWideKey else { return nil }
            tables[index].columns[n].isNotNull = false
            return ["\(alter) alter n drop not null;"]
        case 1 where tables[index].hasCheck:
            tables[index].hasCheck = false
            return ["\(alter) drop constraint \(original)_n;"]
        case 2:
            guard let u = column("u", index), tables[index].columns[u].isUnique else { return nil }
            tables[index].columns[u].isUnique = false
            let wider = random.once(in: 2) ? ", add constraint \(original)_u unique (u, n)" : ""
            return ["\(alter) drop constraint \(original)_u\(wider);"]
        case 3:
            guard let n = column("n", index), tables[index].columns[n].isNotNull,
                !tables[index].hasWideKey, !tables[index].isFull
            else { return nil }
            tables[index].hasWideKey = true
            let key = tables[index].key.quoted
            return [
                """
                \(alter) drop constraint \(original)_pkey, \
                add constraint \(original)_pkey primary key (\(key), n);
                """
            ]
        case 4 where tables[index].generated == nil:
            tables[index].isFull.toggle()
            let identity = "replica identity \(tables[index].isFull ? "full" : "default");"
            // Each partition has its own.
            let parts = tables[index].isPartitioned ? ["\(original)_1", "\(original)_2"] : []
            return ["\(alter) \(identity)"] + parts.map { "alter table \($0) \(identity)" }
        default:
            return nil
        }
    }

    /// What changes files, and no rows.
    mutating func fileChange(_ index: Int) -> [String]? {
        let (name, original) = (tables[index].name, tables[index].original)
        return switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: ["vacuum full \(name);"]
        case 2: ["cluster \(name) using \(original)_pkey;"]
        case 3: ["analyze \(name);", "vacuum \(name);"]
        default: ["truncate \(name);"]
        }
    }

    /// The source refuses it for what a publication names.
    mutating func unlogged(_ index: Int) -> [Step]? {
        let table = tables[index]
        guard table.isPartitioned || publications.publishing == .all else { return nil }
        let name =
            table.isPartitioned ? "\(table.original)_\(random.once(in: 2) ? 1 : 2)" : table.name
        return [
            Step(statements: ["alter table \(name) set unlogged;"], isStrict: true), rows(index),
            Step(statements: ["alter table \(name) set logged;"], isStrict: true),
        ]
    }
}
