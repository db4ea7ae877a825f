extension DatabaseCases {
    static let settings = [shaped, namesakes, readOnly, timeouts]

    /// Values whose text depends on settings, with names, literals and arrays that do too.
    private static func values(_ test: inout Case) {
        test.setup = #"""
            create type pair as (a int, b text);
            create type "Odd\type" as (p pair, t timestamptz);
            create table t (id int primary key, d date, ts timestamptz, i interval, f float8,
              b bytea, m money, a text[], o "Odd\type");
            create table "tab\le" (id int primary key, v text default 'x\y');
            create table f (d date, f float8, a text[]);
            alter table f replica identity full;
            """#
        test.rows = rows(1)
        test.insert = rows(10)
        test.update = #"""
            update t set d = d + 1, ts = ts + '1 day', i = -i, f = f / 3, a = a || a, m = m * 2;
            update f set f = 1 / f where ctid = (select min(ctid) from f);
            update "tab\le" set v = v || '\';
            """#
        test.delete = #"delete from t where id % 2 = 0; delete from f; delete from "tab\le";"#
        test.truncate = #"truncate t, f, "tab\le";"#
        test.textOnly = { _ in "money and composite types" }
    }

    private static func rows(_ first: Int) -> String {
        #"""
        insert into t values
          (FIRST, '2001-02-03', '2001-02-03 04:05:06.789+05', '1 mon -2 days 03:04:05.6', 0.1,
            '\x00ff5c', 12.34, '{NULL,"NULL",a\\b}',
            row(row(1, '\'), '2001-02-03 04:05+00')::"Odd\type"),
          (FIRST + 1, '0044-03-15 BC', '2001-02-03 04:05+00', '-1 day', 1e-300, '', -1, '{}', null);
        insert into "tab\le" values (FIRST);
        insert into "tab\le" values (FIRST + 1, '\');
        insert into f select d, f, a from t where id >= FIRST;
        """#.replacing("FIRST", with: "\(first)")
    }

    private static let shapes = [
        "datestyle = 'German, DMY'", "intervalstyle = 'iso_8601'", "extra_float_digits = -15",
        "bytea_output = 'escape'", "timezone = 'America/St_Johns'", "xmloption = 'document'",
        "lc_monetary = 'C.utf8'", "client_encoding = 'LATIN1'", "row_security = on",
        "array_nulls = off", "standard_conforming_strings = off", "quote_all_identifiers = on",
        "default_transaction_isolation = 'serializable'", "exit_on_error = on",
        "client_min_messages = 'error'",
    ]

    private static func roleWith(_ settings: [String]) -> String {
        "create role {db} superuser login;\n"
            + settings.map { "alter role {db} set \($0);" }.joined(separator: "\n")
    }

    private static let shaped: Case = {
        var test = role(
            "settings that shape values, on roles", source: roleWith(shapes),
            // Others than on the source.
            target: roleWith(
                shapes + [
                    "datestyle = 'SQL, MDY'", "timezone = 'Asia/Kathmandu'",
                    "quote_all_identifiers = off",
                ]))
        values(&test)
        return test
    }()

    /// Another table of the same name and other operators come first in the search path.
    private static let namesakes: Case = {
        let evil = """
            create schema evil;
            create table evil.t (id int primary key, v text);
            create function evil.never(int, int) returns bool language sql as 'select false';
            create operator evil.= (function = evil.never, leftarg = int, rightarg = int);
            create function evil.never(text, text) returns bool language sql as 'select false';
            create operator evil.= (function = evil.never, leftarg = text, rightarg = text);
            create role {db} superuser login;
            alter role {db} set search_path = evil, public, pg_catalog;
            """
        var test = role("search path with namesakes", source: evil, target: evil)
        test.setup = "create table t (id int, v text, primary key (id, v));"
        test.rows = "insert into t values (1, 'a'), (2, 'b');"
        test.insert = "insert into t values (3, 'c');"
        test.update = "update t set v = 'd' where id = 1;"
        test.delete = "delete from t where id = 2;"
        test.truncate = "truncate t;"
        return test
    }()

    private static let readOnly: Case = {
        let role = roleWith([
            "default_transaction_read_only = on", "default_transaction_deferrable = on",
        ])
        var test = Self.role("roles whose transactions are read-only", source: role, target: role)
        values(&test)
        return test
    }()

    /// Shorter than the stream rests, and than a statement of the target takes.
    private static let timeouts: Case = {
        let role =
            roleWith([
                "statement_timeout = '700ms'", "lock_timeout = '300ms'",
                "idle_in_transaction_session_timeout = '700ms'",
                "idle_session_timeout = '700ms'",
            ]) + """

                select current_setting('server_version_num')::int >= 170000 as is_17 \\gset
                \\if :is_17
                alter role {db} set transaction_timeout = '700ms';
                \\endif

                """
        let slow = """
            set search_path = databases_timeouts_on_roles;
            create function wait() returns trigger language plpgsql
              as 'begin perform pg_sleep(1.2); return new; end';
            create trigger wait after insert on t execute function wait();
            alter table t enable always trigger wait;
            """
        var test = Self.role(
            "timeouts on roles", source: role + "alter role {db} set wal_sender_timeout = '2s';",
            target: role + slow)
        test.setup = "create table t (id int primary key, v text);"
        test.rows = "insert into t select i, 'a' from generate_series(1, 10) i;"
        test.insert = "insert into t values (11, 'b'); select pg_sleep(3);"
        test.update = "update t set v = 'c' where id < 5;"
        test.delete = "delete from t where id = 6;"
        test.truncate = "truncate t;"
        return test
    }()
}
