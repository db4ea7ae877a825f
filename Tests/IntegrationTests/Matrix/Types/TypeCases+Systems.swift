import LeatTestSupport

extension TypeCases {
    /// Places, the server's own types, ranges.
    static let systems = geometry + identifiers + names + ranges

    private static let geometry = [
        TypeCase("point", ["'(0,-0)'", "'(1e-300,NaN)'", "'(Infinity,-Infinity)'", "'(0.1,0.2)'"]),
        TypeCase("line", ["'{1,-1,0}'", "'[(0,0),(3,1)]'"]),
        TypeCase("lseg", ["'[(1,2),(0.1,-0)]'"]),
        TypeCase("box", ["'(1,2),(3,4)'", "'(NaN,0),(1,Infinity)'"]).withoutArrays(),
        TypeCase(
            "box[]", ["'{(1,1),(0,0);(2,2),(0,0)}'", "'[2:3]={(1,1),(0,0);NULL}'"], covers: []
        )
        .withoutArrays(),
        TypeCase("path", ["'[(0,0),(1,1)]'", "'((0,0),(0.1,1),(2,-0))'"]),
        TypeCase("polygon", ["'((0,0),(1,1),(2,0))'"]),
        TypeCase("circle", ["'<(1,2),0.1>'", "'<(0,0),Infinity>'"]),
    ].map { $0.notAsKey().inText("not on the list") }

    private static let identifiers =
        [
            TypeCase("oid", ["0", "1", "4294967295"]),
            TypeCase("xid", ["'0'", "'4294967295'"]).notAsKey(),
            TypeCase("cid", ["'0'", "'4294967295'"]).notAsKey(),
            TypeCase("tid", ["'(0,0)'", "'(4294967295,65535)'"]),
            TypeCase("xid8", ["'0'", "'18446744073709551615'"]),
            TypeCase("pg_snapshot", ["'10:20:10,14,15'", "'1:1:'"]).notAsKey(),
            TypeCase("txid_snapshot", ["'10:20:10,14,15'"]).notAsKey(),
            TypeCase("refcursor", ["''", "'it''s a \"cursor\"'"]).notAsKey(),
            TypeCase("int2vector", ["''", "'1 -2 32767'"]).notAsKey(),
            TypeCase("oidvector", ["''", "'1 4294967295'"]),
            TypeCase("aclitem", ["'postgres=r*w/postgres'", "'=X/postgres'"]).notAsKey(),
        ].map { $0.inText("not on the list") } + [
            TypeCase("pg_lsn", ["'0/0'", "'FFFFFFFF/FFFFFFFF'", "'16/B374D848'"])
        ]

    /// They hold OIDs, which are others on the target; their text is a name.
    private static let names = [
        TypeCase("regclass", ["'pg_catalog.pg_class'", "'f'", "'\"Odd t\"'", "0"])
            .after("create table \"Odd t\" (id int primary key);"),
        TypeCase("regtype", ["'int4'", "'timestamp(3) with time zone'", "'mood'", "'_mood'", "0"])
            .after("create type mood as enum ('ok');"),
        TypeCase("regproc", ["'pg_catalog.now'", "'own'", "0"])
            .after("create function own() returns int language sql as 'select 1';"),
        TypeCase("regprocedure", ["'pg_catalog.abs(int4)'", "'own(text, int4)'", "0"])
            .after("create function own(text, int) returns int language sql as 'select 1';"),
        TypeCase("regoper", ["'pg_catalog.||/'", "0"]),
        TypeCase("regoperator", ["'pg_catalog.+(int4,int4)'", "'pg_catalog.-(none,int8)'", "0"]),
        TypeCase("regconfig", ["'english'", "0"]),
        TypeCase("regdictionary", ["'simple'", "0"]),
        TypeCase("regrole", ["'postgres'", "'pg_monitor'", "0"]),
        TypeCase("regnamespace", ["'pg_catalog'", "'public'", "'types_regnamespace'", "0"]),
        TypeCase("regcollation", ["'\"C\"'", "'own'", "0"])
            .after("create collation own (locale = 'C');"),
    ].map { $0.inText("its OID is another object's on the target") }

    private static let ranges =
        [
            TypeCase("int4range", discrete), TypeCase("int8range", discrete),
            TypeCase(
                "numrange", ["'empty'", "'(,)'", "'[1.0,1.00]'", "'(1.10,Infinity]'", "'[,NaN)'"]),
            TypeCase("daterange", ["'empty'", "'[2000-01-01,infinity)'", "'(,10000-01-01)'"]),
            TypeCase("tsrange", ["'empty'", "'[2000-01-01 00:00:00.000001,infinity]'", "'(,)'"]),
            TypeCase("tstzrange", ["'empty'", "'(-infinity,0044-03-15 12:00+00 BC]'", "'(,)'"]),
        ]
        + [
            TypeCase("int4multirange", multiple), TypeCase("int8multirange", multiple),
            TypeCase("nummultirange", ["'{}'", "'{(,)}'", "'{[1.0,1.10],[2.00,2.0]}'"]),
            TypeCase("datemultirange", ["'{}'", "'{(,2000-01-01),[10000-01-01,)}'"]),
            TypeCase("tsmultirange", ["'{}'", "'{(,\"2000-01-01 00:00\")}'"]),
            TypeCase("tstzmultirange", ["'{}'", "'{[\"2000-01-01 00:00+00\",]}'"]),
        ].map { $0.inText("not on the list") }

    private static let discrete = ["'empty'", "'(,)'", "'[1,)'", "'(,5]'", "'[1,1]'", "'(1,3)'"]
    private static let multiple = ["'{}'", "'{(,)}'", "'{[1,3),[5,)}'", "'{(,-1],[7,7]}'"]
}
