extension TypeCases {
    /// Numbers, text, bytes.
    static let plain = [
        TypeCase("bool", ["true", "false"]),
        TypeCase("int2", ["0", "-1", "32767", "'-32768'"]),
        TypeCase("int4", ["0", "-1", "2147483647", "'-2147483648'"]),
        TypeCase("int8", ["0", "-1", "9223372036854775807", "'-9223372036854775808'"]),
        TypeCase(
            "float4",
            [
                "'NaN'", "'Infinity'", "'-Infinity'", "0", "'-0'", "'1e-45'", "'3.4028235e38'",
                "'-1.17549435e-38'", "0.1", "1 / 3.0", "16777217",
            ]),
        TypeCase(
            "float8",
            [
                "'NaN'", "'Infinity'", "'-Infinity'", "0", "'-0'", "'5e-324'",
                "'1.7976931348623157e308'", "'-2.2250738585072014e-308'", "0.1::float8 + 0.2",
                "1 / 3.0", "9007199254740993",
            ]),
        TypeCase(
            "numeric",
            [
                "'NaN'", "'Infinity'", "'-Infinity'", "0", "0.0", "0.000", "1.0", "1.00", "-1.10",
                "'1e-16383'", "'-1e131071'", "'1e131071'", "repeat('9', 300)",
                "'0.' || repeat('123456789', 50)",
            ]),
        TypeCase("numeric(20,5)", ["'NaN'", "0", "1.5", "-99999999999999.99999"], covers: []),
        TypeCase("money", ["0", "'-92233720368547758.08'", "92233720368547758.07", "12.34"])
            .inText("its form has as many digits as lc_monetary says"),
        TypeCase("text", texts),
        TypeCase("varchar(40)", texts.filter { !$0.contains("large") && !$0.contains("repeat") })
            .with { $0.covers = ["varchar"] },
        TypeCase(
            "char(5)", ["''", "'a'", "'ab  '", "'äöüßé'", #"E'\t\n\\N'"#, "'12345'"],
            covers: ["bpchar"]),
        TypeCase("bpchar", ["''", "'a'", "'a  '", "'  a'"], covers: []),
        TypeCase(
            "name", ["''", "repeat('n', 63)", "'It''s \"odd\" ü'", #"E'\\'"#]),
        TypeCase(
            "bytea",
            [
                "''", #"'\x00'"#, #"'\xff00'"#, "convert_to('text \\x', 'UTF8')",
                "(select string_agg(set_byte(bytea '\\x00', 0, i), '' order by i) "
                    + "from generate_series(0, 255) i)",
            ]),
        TypeCase("bytea", [largeBytes], covers: []).named("large bytea").notAsKey().few(),
        TypeCase("text", [large, "repeat('a', 2000000)"], covers: []).named("large text").notAsKey()
            .few()
            .withoutArrays(),
        TypeCase(
            #""char""#,
            ["''", "'a'", #"E'\\'"#, "1::\"char\"", "127::\"char\"", "(-128)::\"char\"", "' '"],
            covers: ["char"]
        ).inText("not on the list"),
        TypeCase(
            "uuid",
            [
                "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
                "md5('x')::uuid",
            ]),
        TypeCase("bit(5)", ["B'10101'", "B'00000'"], covers: ["bit"]),
        TypeCase("varbit(9)", ["B''", "B'1'", "B'101010101'"], covers: ["varbit"]),
        TypeCase("varbit", ["B''", "repeat('10', 500)::varbit"], covers: []),
    ]

    private static let texts = [
        "''", "' '", "'a'", "'NULL'", #"'\N'"#, #"'\.'"#, #"E'tab\tnew\nline\r\\back\b\f\v'"#,
        #"'"quoted", it''s {odd}'"#, "'ünï ¼ 日本 👩‍👩‍👧'", "normalize('é', nfd)",
        "chr(1) || chr(127)", "'$1 %s'",
    ]

    /// Not to be compressed: it is stored out of line.
    private static let large =
        "(select string_agg(md5(i::text), '') from generate_series(1, 3000) i)"
    private static let largeBytes =
        "(select string_agg(sha256(i::text::bytea), '') from generate_series(1, 3000) i)"
}
