import LeatTestSupport

extension TypeCases {
    /// Types that a database defines itself, or an extension.
    static let own = defined + extensions

    private static let mood =
        "create type mood as enum ('sad', 'ok', E'it''s \"odd\", \\\\ {x}', '');"
    private static let moods = ["'sad'", "'ok'", #"E'it''s "odd", \\ {x}'"#, "''"]
    private static let pair = "create type pair as (a int, b text);"
    private static let pairs = [
        "row(1, 'x')", "row(null, null)", #"row(-1, E'a,b "c" (d) \\ ''e''')"#, "row(null, '')",
        "row(3, 'NULL')",
    ]
    private static let oidReason = "its binary form names OIDs"

    static let defined = [
        TypeCase("mood", moods, covers: []).after(mood).named("enum").withoutArrays(),
        TypeCase("mood", moods, covers: []).after(mood).named("enum and its arrays")
            .inText(oidReason),
        TypeCase("pair", pairs, covers: []).after(pair).named("composite").inText(oidReason),
        TypeCase(
            "nest",
            [
                "row(row(1, 'a,\"b\"')::pair, array[row(2, null)::pair, null], 'ok')",
                "row(null, '{}', null)", "row(row(null, '\\'), null, 'it''s \"odd\", \\ {x}')",
            ], covers: []
        ).after("\(mood) \(pair) create type nest as (p pair, ps pair[], m mood);")
            .named("nested composite").inText(oidReason),
        TypeCase("part", ["row(1, 2)"], covers: []).named("row type of a table")
            .after("create table part (a int primary key, b int);").inText(oidReason),
        TypeCase("small", ["1", "100"], covers: []).named("domain over int4")
            .after("create domain small as int not null check (value > 0) default 1;")
            .withoutNull().withoutArrays(),
        TypeCase("amount", ["1.5", "-9999.99", "'NaN'"], covers: []).withoutArrays()
            .after("create domain amount as numeric(6,2);").named("domain over numeric(6,2)"),
        TypeCase("deep", ["1.5", "-9999.99"], covers: []).named("domain over a domain, and arrays")
            .after("create domain amount as numeric(6,2); create domain deep as amount;")
            .inText(oidReason),
        TypeCase("label", ["'a'", "'ü'", "''"], covers: []).withoutArrays()
            .after("create domain label as varchar(5) collate \"C\";").named("domain over varchar"),
        TypeCase("list", ["'{1,NULL}'", "'[0:1]={2,3}'", "'{}'"], covers: []).withoutArrays()
            .after("create domain list as int[];").named("domain over an array"),
        TypeCase("feeling", moods, covers: []).named("domain over an enum").withoutArrays()
            .after("\(mood) create domain feeling as mood;"),
        TypeCase("couple", pairs, covers: []).named("domain over a composite").inText(oidReason)
            .after("\(pair) create domain couple as pair check ((value).b is distinct from 'no');"),
        TypeCase("span", ["'[1,5)'", "'empty'"], covers: []).named("domain over a range")
            .after("create domain span as int4range;").withoutArrays(),
        TypeCase("spans", ["'{[1,5),[7,)}'", "'{}'"], covers: []).inText("not on the list")
            .after("create domain spans as int4multirange;").named("domain over a multirange"),
        TypeCase("floats", ["'[-0,0.1)'", "'(,NaN]'", "'empty'"], covers: []).inText(oidReason)
            .after("create type floats as range (subtype = float8);").named("range of one's own"),
        TypeCase("words", ["'[\"a,b\",\"c\"\"d\"]'", "'(,\"\")'", #"'["\\\\",)'"#], covers: [])
            .after("create type words as range (subtype = text, collation = \"C\");")
            .named("range over text").inText(oidReason),
        TypeCase("many", ["'{[-0,0.1),[2,)}'", "'{}'"], covers: []).inText(oidReason)
            .after("create type one as range (subtype = float8, multirange_type_name = many);")
            .named("multirange of one's own"),
        TypeCase("whole", ["'0'", "'-2147483648'"], covers: []).named("base type of one's own")
            .after(baseType).notAsKey().inText(oidReason),
    ]

    private static let baseType = """
        set client_min_messages = error;
        create type whole;
        create function whole_in(cstring) returns whole language internal strict as 'int4in';
        create function whole_out(whole) returns cstring language internal strict as 'int4out';
        create type whole (input = whole_in, output = whole_out, like = int4);
        """

    private static func with(_ name: String) -> String {
        "create extension if not exists \(name) schema public;"
    }

    private static let contributed = [
        TypeCase("hstore", [#"'"a b"=>"1,\"2", c=>NULL, d=>"NULL"'"#, "''"], covers: [])
            .after(with("hstore")),
        TypeCase("citext", ["'Foo'", "'FOO'", "'bar'", "''"], covers: []).after(with("citext")),
        TypeCase("ltree", ["'a.B.c'", "''"], covers: []).after(with("ltree")),
        TypeCase("lquery", ["'a.*{1,2}.!b|c*@'"], covers: []).after(with("ltree")).notAsKey(),
        TypeCase("ltxtquery", ["'a & !b*@'"], covers: []).after(with("ltree")).notAsKey(),
        TypeCase("cube", ["'(1,-0),(2,0.1)'", "'(1)'"], covers: []).after(with("cube")),
        TypeCase("seg", ["'1.50 .. 2.0'", "'~6.5e1'", "'<3'"], covers: []).after(with("seg")),
        TypeCase("query_int", ["'1&(2|!3)'"], covers: []).after(with("intarray")).notAsKey(),
        TypeCase("isbn13", ["'978-0-393-04002-9'", "'9780393040029!'"], covers: [])
            .after(with("isn")),
        TypeCase("lo", ["1", "4294967295"], covers: []).after(with("lo")),
    ].map { $0.only(Case.contrib).inText("types of extensions are not on the list") }

    private static let vectors = [
        TypeCase("vector(3)", ["'[1,-0,0.1]'", "'[1e-38,3.4e38,0]'"], covers: []),
        TypeCase("halfvec", ["'[1,65504,-0.1]'"], covers: []),
        TypeCase("sparsevec", ["'{1:0.1,1000:-2}/1000'", "'{}/5'"], covers: []),
    ].map {
        $0.after(with("vector")).only(Case.vector)
            .inText("types of extensions are not on the list")
    }

    static let extensions = contributed + vectors
}
