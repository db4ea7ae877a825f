import LeatTestSupport

extension TypeCases {
    /// Dates and times, networks, documents, searches, places.
    static let times = [
        TypeCase(
            "date",
            [
                "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'0001-12-31 BC'", "'0001-01-01'",
                "'9999-12-31'", "'10000-01-01'", "'5874897-12-31'",
            ]),
        TypeCase("timestamp", ["'4713-01-01 00:00:00 BC'"] + moments),
        TypeCase("timestamp(0)", moments, covers: []),
        TypeCase(
            "timestamptz",
            ["'4713-01-01 00:00:00+00 BC'", "'2000-01-01 12:00+15:59:59'"] + moments),
        TypeCase("timestamptz(3)", moments, covers: []),
        TypeCase("time", ["'00:00'", "'24:00'", "'23:59:59.999999'", "'00:00:00.000001'"]),
        TypeCase("time(3)", ["'24:00'", "'23:59:59.999'"], covers: []),
        TypeCase(
            "timetz",
            [
                "'00:00+15:59:59'", "'24:00-15:59:59'", "'24:00+00'", "'12:00:00.000001+05:45'",
                "'12:00:00+00:00:01'",
            ]),
        TypeCase(
            "interval",
            [
                "'0'", "'1 mon'", "'30 days'", "'720:00'", "'-1 mon +1 day -00:00:00.000001'",
                "'-178956970 years -8 mons'", "'178956970 years 7 mons'", "'2147483647 days'",
                "'-2147483648 days'", "'2562047788:00:54.775807'", "'-2562047788:00:54.775807'",
                "'1 year -2 mons 3 days -4:05:06.789'",
            ]
        ).with { $0.textOnly = acrossInfinity },
        TypeCase("interval day to second(3)", ["'0'", "'-1 day +02:03:04.567'"], covers: [])
            .with { $0.textOnly = acrossInfinity },
        infiniteInterval, largestInterval,
        TypeCase("inet", ["'10.0.0.1/8'", "'::1'", "'::ffff:1.2.3.4/96'", "'0.0.0.0/0'"]),
        TypeCase("cidr", ["'10.0.0.0/8'", "'::/0'", "'2001:db8::/32'"]),
        TypeCase("macaddr", ["'08:00:2b:01:02:03'", "'ff:ff:ff:ff:ff:ff'"]),
        TypeCase("macaddr8", ["'08:00:2b:01:02:03:04:05'"]),
        TypeCase(
            "json",
            [
                #"' {"a" :  1.0, "a":2,"b":[ ] } '"#, "'null'", #"'"\u00e9 é"'"#, "'1e400'",
                #"E'{\n\t"x":\r\n1}'"#, #"'"\u0000"'"#,
            ]
        ).notAsKey(),
        TypeCase(
            "jsonb",
            [
                #"'{"b": 1.00, "a": {"c": [null, true, "x\ty"]}}'"#, "'null'", #"'"\u00e9 é"'"#,
                "'1e400'", "'[]'", "'{}'", "'-0.0'",
            ]),
        TypeCase(
            "jsonpath", [#"'$.a[*] ? (@ > 1.50 && @ like_regex "^x\"" flag "i")'"#, "'strict $'"]
        ).notAsKey().inText("not on the list"),
        TypeCase(
            "xml",
            [
                "'<a b=\"1\">&lt;ü </a>'", "'plain <b/> text'", "''",
                "'<?xml version=\"1.0\" encoding=\"LATIN1\"?><a/>'",
                "'<?xml version=\"1.0\" standalone=\"yes\"?><a/>'",
                "'<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>'",
            ]
        ).notAsKey().inText("not on the list").only { versions in
            versions.source == .v15 && versions.target == .v15
                ? nil : "16 and 18 are built without libxml here"
        },
        TypeCase(
            "tsvector", [#"'''fat'':1A,3B rat ''it''''s'':2 ''\\'':9C'"#, "''", "'a:16383 b'"]
        ).inText("not on the list"),
        TypeCase("tsquery", ["'fat:AB & !rat | ''it''''s'':*'", "''", "'a <-> b <5> c'"])
            .inText("not on the list"),
    ]

    private static let moments = [
        "'infinity'", "'-infinity'", "'0001-12-31 23:59:59 BC'", "'1999-12-31 23:59:59'",
        "'10000-01-01'", "'294276-12-31 23:59:59'", "'2000-02-29 00:00:00'", "'1883-11-18 12:00'",
    ]

    /// 17 gave the largest values of the binary form a new meaning.
    static let acrossInfinity: Case.Places = { versions in
        (versions.source == .v18) == (versions.target == .v18)
            ? nil : "17 and newer read other values from the largest ones"
    }

    private static let infiniteInterval = TypeCase(
        "interval", ["'infinity'", "'-infinity'", "'1 day'"], covers: []
    ).with {
        $0.name = "infinite interval"
        $0.textOnly = acrossInfinity
        $0.skipped = { $0.source == .v18 ? nil : "before 17 there is no such value" }
        $0.refusal = { versions in
            guard versions.target != .v18 else { return nil }
            return Case.Refusal(
                moment: .copy, exitCode: 4,
                words: ["types_infinite_interval", "invalid_datetime_format"])
        }
    }

    /// Its bytes are the same; 17 gave them another meaning, whichever way they come.
    private static let largestInterval = TypeCase(
        "interval",
        [
            "'178956970 years 7 mons 2147483647 days 2562047788:00:54.775807'",
            "'-178956970 years -8 mons -2147483648 days -2562047788:00:54.775807'",
        ], covers: []
    ).with {
        $0.name = "largest interval"
        $0.textOnly = acrossInfinity
        $0.skipped = { versions in
            if versions.source == .v18 { return "from 17 on there is no such value" }
            return versions.target == .v18 ? "17 and newer take its bytes for infinity" : nil
        }
    }
}
