import LeatTestSupport

/// A type's values on their way: copied, inserted, set by updates and searched for by deletes, with
/// a key, as the key where the type can be one, and under REPLICA IDENTITY FULL.
struct TypeCase: Sendable {
    /// As SQL writes it.
    var type: String
    /// SQL expressions. NULL comes by itself.
    var values: [String]
    /// The names in `pg_type` that it stands for.
    var covers: [String]
    /// Made first on both sides: the type, or its extension.
    var setup = ""
    var targetSetup: String?
    /// Whether it can be a primary key.
    var isKey = true
    /// Whether arrays of it are tried too.
    var hasArray = true
    var hasNull = true
    /// Whether hundreds of rows are written in one transaction too, which takes the way of sets.
    var isMany = true
    var name: String?
    var skipped: Case.Places = { _ in nil }
    var textOnly: Case.Places = { _ in nil }
    var refusal: @Sendable (Pair.Versions) -> Case.Refusal? = { _ in nil }

    init(_ type: String, _ values: [String], covers: [String]? = nil) {
        self.type = type
        self.values = values
        self.covers = covers ?? [type]
    }

    /// The same with changes.
    func with(_ change: (inout TypeCase) -> Void) -> TypeCase {
        var copy = self
        change(&copy)
        return copy
    }

    /// Tables: `t` has a key beside the value, `f` none, in `k` the value is the key.
    var testCase: Case {
        var test = Case(group: .types, name: name ?? type, setup: schema(setup))
        test.targetSetup = targetSetup.map(schema)
        test.rows = rows(from: 1)
        test.insert = rows(from: 1001) + many
        test.update = updates
        test.delete = deletes
        test.truncate = isKey ? "truncate t, f, k, m;" : "truncate t, f, m;"
        test.skipped = skipped
        test.textOnly = textOnly
        test.refusal = refusal
        return test
    }

    private func schema(_ setup: String) -> String {
        """
        \(setup)
        create table t (id int primary key, v \(type)\(hasArray ? ", a \(type)[]" : ""));
        create table f (n int, v \(type));
        create table m (id int primary key, n int, v \(type));
        alter table f replica identity full;
        \(isKey ? "create table k (v \(type) primary key, n int);" : "")
        """
    }

    /// Every value, and NULL, in each table.
    private func rows(from first: Int) -> String {
        let rows = list.enumerated().map { "(\(first + $0.offset), \($0.element))" }
        return """
            insert into t (id, v) values \(rows.joined(separator: ", "));
            \(hasArray ? arrays(first) : "")
            insert into f (n, v) select id, v from t where id between \(first) and \(first + 499);
            insert into f (n, v) select n, v from f where n = \(first);
            \(isKey ? keys(first) : "")
            """
    }

    /// All values again and again, one behind the other.
    private var many: String {
        guard isMany else { return "" }
        let rows = list.enumerated().map { "(\($0.offset), \($0.element))" }
        return """
            insert into m select i, 0, o.v from generate_series(1, 300) i
              join (values \(rows.joined(separator: ", "))) o (n, v) on o.n = i % \(rows.count);
            """
    }

    private var list: [String] { (values + (hasNull ? ["null"] : [])).map { "(\($0))::\(type)" } }

    /// Arrays of all values, in one and in two dimensions, empty, and with bounds of their own.
    private func arrays(_ first: Int) -> String {
        let array = "array[\(list.joined(separator: ", "))]::\(type)[]"
        return """
            insert into t (id, a) values (\(first + 500), \(array)), (\(first + 501), '{}'),
              (\(first + 502), array[\(array), \(array)]), (\(first + 503), null);
            update t set a[-\(list.count):-1] = \(array) where id = \(first + 503);
            """
    }

    /// The second half of the values comes later; what is equal to one that is there is left out.
    private func keys(_ first: Int) -> String {
        let half = (values.count + 1) / 2
        let part = first == 1 ? values.prefix(half) : values.dropFirst(half)
        return part.map { "insert into k values ((\($0))::\(type), 0) on conflict do nothing;" }
            .joined(separator: "\n")
    }

    /// Each row gets its neighbour's value.
    private var updates: String {
        """
        update t set v = (select o.v from t o where o.id < t.id and o.id > t.id - 500
          order by o.id desc limit 1) where id % 500 between 2 and 400;
        \(hasArray ? "update t set a = a || a where id % 500 in (1, 2);" : "")
        update m set n = 1, v = (select o.v from m o where o.id = m.id % 300 + 1);
        update f set v = (select t.v from t where t.id = f.n);
        update f set n = n + 1 where ctid = (select min(ctid) from f);
        \(isKey ? "update k set n = n + 1;" : "")
        """
    }

    private var deletes: String {
        """
        delete from f where n % 2 = 0;
        delete from t where id % 2 = 0;
        delete from m where id % 10 <> 0;
        \(isKey ? "delete from k where ctid in (select ctid from k order by ctid limit 5);" : "")
        """
    }
}

extension TypeCase {
    func named(_ name: String) -> TypeCase { with { $0.name = name } }
    func notAsKey() -> TypeCase { with { $0.isKey = false } }
    func few() -> TypeCase { with { $0.isMany = false } }
    func withoutArrays() -> TypeCase { with { $0.hasArray = false } }
    func withoutNull() -> TypeCase { with { $0.hasNull = false } }
    func after(_ setup: String) -> TypeCase { with { $0.setup = setup } }
    func inText(_ reason: String) -> TypeCase { with { $0.textOnly = { _ in reason } } }
    func only(_ places: @escaping Case.Places) -> TypeCase { with { $0.skipped = places } }
}
