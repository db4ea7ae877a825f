/// A type's values on their way: copied, inserted, set by updates and searched for by deletes, with
/// a key, as the key where the type can be one, and under REPLICA IDENTITY FULL.
struct TypeCase: Sendable {
    /// As SQL writes it.
    var type: String
    /// SQL expressions. NULL comes by itself.
    var values: [String]
    /// Made first on both sides: the type, or its extension.
    var setup = ""
    var isKey = true
    var name: String?
    var skipped: Case.Places = { _ in nil }
    var textOnly: Case.Places = { _ in nil }
    var refusal: @Sendable (Pair.Versions) -> Case.Refusal? = { _ in nil }

    /// Tables: `t` has a key beside the value, `f` none, in `k` the value is the key.
    var testCase: Case {
        var test = Case(group: .types, name: name ?? type, setup: schema)
        test.rows = rows(from: 1)
        test.insert = rows(from: 1001)
        test.update = updates
        test.delete = deletes
        test.truncate = isKey ? "truncate t, f, k;" : "truncate t, f;"
        test.skipped = skipped
        test.textOnly = textOnly
        test.refusal = refusal
        return test
    }

    private var schema: String {
        let key = isKey ? "create table k (v \(type) primary key, n int);" : ""
        return """
            \(setup)
            create table t (id int primary key, v \(type), a \(type)[]);
            create table f (n int, v \(type));
            alter table f replica identity full;
            \(key)
            """
    }

    /// Every value, and NULL, in each table; the arrays hold all of them, in one and in two
    /// dimensions with bounds of their own.
    private func rows(from first: Int) -> String {
        let all = values + ["null"]
        let list = all.map { "(\($0))::\(type)" }
        let rows = list.enumerated().map { "(\(first + $0.offset), \($0.element))" }
        let array = "array[\(list.joined(separator: ", "))]::\(type)[]"
        let width = list.count
        return """
            insert into t (id, v) values \(rows.joined(separator: ", "));
            insert into t (id, a) values (\(first + 500), \(array)), (\(first + 501), '{}'),
              (\(first + 502), array[\(array), \(array)]),
              (\(first + 503), null);
            update t set a[-\(width):-1] = \(array) where id = \(first + 503);
            insert into f (n, v) select id, v from t where id between \(first) and \(first + 499);
            insert into f (n, v) select n, v from f where n = \(first);
            \(isKey ? keys(first) : "")
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
          order by o.id desc limit 1) where id % 500 < 400;
        update t set a = a || a where id % 500 in (1, 2);
        update f set v = (select t.v from t where t.id = f.n);
        update f set n = n + 1 where ctid = (select min(ctid) from f);
        \(isKey ? "update k set n = n + 1;" : "")
        """
    }

    private var deletes: String {
        """
        delete from f where n % 2 = 0;
        delete from t where id % 2 = 0;
        \(isKey ? "delete from k where ctid in (select ctid from k order by ctid limit 5);" : "")
        """
    }
}
