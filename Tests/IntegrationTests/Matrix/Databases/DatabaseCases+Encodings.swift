extension DatabaseCases {
    static let encodings = converted + ascii + unfit

    /// Names, labels and values beyond ASCII.
    private static func texts(_ test: inout Case, _ word: String = "äöüß é") {
        test.setup = """
            create type "stimmung ü" as enum ('\(word)', 'ok');
            create table "tabelle ä" (id int primary key, "wért" text, v varchar(12), c char(12),
              s "stimmung ü", j jsonb, a text[], d text default '\(word)');
            create table voll (v text);
            alter table voll replica identity full;
            """
            .replacing("ä", with: word.first == "日" ? "日" : "ä")
            .replacing("ü", with: word.first == "日" ? "本" : "ü")
            .replacing("é", with: word.first == "日" ? "語" : "é")
        let name = word.first == "日" ? "tabelle 日" : "tabelle ä"
        let column = word.first == "日" ? "w語rt" : "wért"
        test.rows = rows(1, word, name)
        test.insert = rows(10, word, name)
        test.update = """
            update "\(name)" set "\(column)" = 'neu \(word)', s = 'ok' where id in (1, 11);
            update "\(name)" set id = id + 100 where id in (2, 10);
            update voll set v = '\(word) 2' where ctid = (select min(ctid) from voll);
            """
        test.delete = """
            delete from "\(name)" where id > 100;
            delete from voll where v = '\(word)';
            """
        test.truncate = "truncate \"\(name)\", voll;"
    }

    private static func rows(_ first: Int, _ word: String, _ name: String) -> String {
        """
        insert into "\(name)" values (\(first), '\(word)', '\(word)', '\(word)', '\(word)',
          '{"\(word)": "\(word)"}', array['\(word)', null, 'a,\(word)']);
        insert into "\(name)" values (\(first + 1));
        insert into voll values ('\(word)'), ('\(word)');
        """
    }

    private static let converted = [
        between("LATIN1", "UTF8") { texts(&$0) },
        between("UTF8", "LATIN1") { texts(&$0) },
        between("LATIN1", "LATIN1") { texts(&$0) },
        between("WIN1252", "LATIN1") { texts(&$0) },
        between("UTF8", "SQL_ASCII") { test in
            texts(&test)
            test.compare = withoutPadding
        },
        between("EUC_JP", "UTF8") { texts(&$0, "日本語") },
    ].map { $0.with { $0.textOnly = { _ in "an array of an enum names an OID" } } }

    /// `char(12)` has twelve bytes in SQL_ASCII, twelve characters elsewhere.
    private static let withoutPadding = [
        #"select id, "wért", v, c::text, s, j, a, d from "tabelle ä" order by 1"#,
        "select v from voll order by 1",
    ]

    private static let hex =
        "select id, encode(convert_to(v, 'SQL_ASCII'), 'hex') from t order by 1"

    /// Bytes that are UTF-8 only by chance.
    private static func bytes(_ test: inout Case) {
        test.setup = plain
        test.rows = "insert into t values (1, E'\\xe4\\xff \\xc3'), (2, E'\\xc3\\xa4');"
        test.insert = "insert into t values (3, E'\\x80'), (4, null);"
        test.update = "update t set v = v || E'\\xfe';"
        test.delete = "delete from t where id < 3;"
        test.truncate = "truncate t;"
        test.compare = [hex]
    }

    private static let ascii = [
        between("SQL_ASCII", "UTF8", "where it holds UTF-8") { test in
            texts(&test)
            test.compare = withoutPadding
        }
        .with { $0.textOnly = { _ in "an array of an enum names an OID" } },
        between("SQL_ASCII", "SQL_ASCII", "any bytes") { bytes(&$0) },
        between("EUC_JP", "EUC_JP", "beyond UTF8") { test in
            bytes(&test)
            test.rows = "insert into t values (1, convert_from('\\x8ea1adf0', 'EUC_JP')), (2, '日');"
            test.insert =
                "insert into t values (3, convert_from('\\x8ea1adf0', 'EUC_JP')), (4, '');"
            test.update = "update t set v = v || '本';"
            test.compare = ["select id, encode(convert_to(v, 'EUC_JP'), 'hex') from t order by 1"]
        },
        between("LATIN1", "SQL_ASCII") { test in
            test.setup = plain
            test.rows = "insert into t values (1, 'ä'), (2, 'ö');"
            test.insert = "insert into t values (3, 'ü'), (4, null);"
            test.update = "update t set v = v || 'ß';"
            test.delete = "delete from t where id < 3;"
            test.truncate = "truncate t;"
            test.compare = [
                "select id, encode(convert_to(v, getdatabaseencoding()), 'hex') from t order by 1"
            ]
        },
    ]

    private static let plain = "create table t (id int primary key, v text);"

    private static let unfit = [
        between("SQL_ASCII", "UTF8", "a copy of other bytes") { test in
            test.setup = plain
            test.rows = "insert into t values (1, 'a'), (2, E'\\xe4 SECRET');"
            test.compare = [hex]
            test.refusal = { _ in
                refusal(.copy, 3, ".t cannot be copied", "character_not_in_repertoire (UTF8)")
            }
        },
        between("SQL_ASCII", "UTF8", "a change to other bytes") { test in
            test.setup = plain
            test.rows = "insert into t values (1, 'a');"
            test.insert = "insert into t values (2, 'b');"
            test.update = "insert into t values (3, E'\\xe4 SECRET');"
            test.compare = [hex]
            test.refusal = { _ in
                refusal(.phase(.update), 7, "Stopped", "character_not_in_repertoire (UTF8)")
            }
        },
        between("UTF8", "LATIN1", "a copy of what it lacks") { test in
            test.setup = plain
            test.rows = "insert into t values (1, 'ä'), (2, 'SECRET €');"
            test.refusal = { _ in
                refusal(.copy, 4, ".t cannot be copied", "untranslatable_character (UTF8, LATIN1)")
            }
        },
        between("UTF8", "LATIN1", "a change to what it lacks") { test in
            test.setup = plain
            test.rows = "insert into t values (1, 'ä');"
            test.insert = "insert into t values (2, 'ö');"
            test.update = "insert into t values (3, 'SECRET €');"
            test.refusal = { _ in
                refusal(.phase(.update), 7, "Stopped", "untranslatable_character (UTF8, LATIN1)")
            }
        },
        between("EUC_JP", "EUC_JP", "a name beyond ASCII") { test in
            test.setup = "create table \"日本\" (id int primary key, v text);"
            test.rows = "insert into \"日本\" values (1, 'a');"
            test.refusal = { _ in .start(6, "Names beyond ASCII", "databases_euc_jp_to_euc_jp") }
        },
        between("LATIN1", "UTF8", "name, which would be cut") { test in
            test.setup = "create table t (id int primary key, n name);"
            test.rows = "insert into t values (1, repeat('ä', 63));"
            test.refusal = { _ in
                .start(6, "column n", "may be longer in encoding UTF8", "type text")
            }
        },
        between("LATIN1", "UTF8", "name into text") { test in
            test.setup = "create table t (id int primary key, n name);"
            test.targetSetup = "create table t (id int primary key, n text);"
            test.rows = "insert into t values (1, repeat('ä', 63));"
            test.compare = ["select id, n::text from t order by 1"]
            test.textOnly = { _ in "another type on the target" }
        },
    ]

    private static func refusal(
        _ moment: Case.Refusal.Moment, _ exitCode: Int32, _ words: String...
    ) -> Case.Refusal {
        Case.Refusal(moment: moment, exitCode: exitCode, words: words, secrets: ["SECRET"])
    }
}
