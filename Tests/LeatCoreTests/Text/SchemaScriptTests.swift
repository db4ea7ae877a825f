import LeatCore
import Testing

@Suite("The script of pg_dump")
struct SchemaScriptTests {
    private func object(_ name: String, _ sql: String) -> String {
        "--\n-- Name: \(name); Schema: public; Owner: -\n--\n\n\(sql)\n\n\n"
    }

    @Test("leaves for after the rows what they may violate, and nothing else")
    func parts() {
        let table = "CREATE TABLE public.t (\n    id integer\n);"
        let check = "ALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((id > 0)) NOT VALID;"
        let domain = "ALTER DOMAIN public.d\n    ADD CONSTRAINT dc CHECK ((VALUE > 0)) NOT VALID;"
        let comment = "COMMENT ON CONSTRAINT c ON public.t IS 'NOT VALID;\n\n--\n-- Name: ';"
        let key = "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT k UNIQUE (id);"
        let function =
            "CREATE FUNCTION public.f() RETURNS text\n    AS $$select 'NOT VALID;'\n--\n$$;"

        let script = SchemaScript(
            "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET x = 1;\n"
                + "SET transaction_timeout = 0;\n"
                + [table, check, domain, comment, key, function].map { object("x", $0) }.joined()
                + "\\unrestrict abc\n\n")

        #expect(script.first == ["SET x = 1;", table, key, function])
        #expect(script.afterRows == [check, domain, comment])
        #expect(script.foreignCommands.isEmpty)
    }

    private static let quoted = [
        "COMMENT ON TABLE t IS 'a\n\\connect x\n\\restrict x\nSET transaction_timeout = 0;\n--\n';",
        "COMMENT ON TABLE t IS 'a '' ; -- \" $$ /* ';",
        "COMMENT ON TABLE t IS E'a \\' ; \\\\' ;",
        "COMMENT ON TABLE t IS E'a'\n  '\\';';",
        "CREATE TABLE \"a;\"\"'--\" (e$e int, v text DEFAULT '$$');",
        "CREATE FUNCTION f() RETURNS int AS $_$ select ';' || $$;$$ $_$ LANGUAGE sql;",
        "CREATE FUNCTION f(int) RETURNS int AS 'select $1;' LANGUAGE sql;",
        "CREATE FUNCTION f() RETURNS int\nBEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n "
            + "SELECT 2;\nEND;",
        "CREATE RULE r AS ON INSERT TO t DO ( SELECT 1;\n SELECT 2; );",
        "SELECT 1 /* a /* ; */ ; */ + 2 -- ;\n + 3;",
        "CREATE TABLE e (beg$in$ int, \"end\" int);",
        "COMMENT ON TABLE t IS U&'\\0441;' ;",
        "CREATE TABLE schöne (näme text);",
    ]

    @Test("is cut where its statements end, whatever stands in quotes", arguments: quoted)
    func statements(_ statement: String) {
        let script = SQLStatements("-- ;\n\(statement)\n\nSELECT ';';\n\\unrestrict x")

        #expect(script.statements == [statement, "SELECT ';';"])
        #expect(script.commands == ["\\unrestrict x"])
    }

    @Test("is read as the source wrote strings")
    func oldStrings() {
        let comment = "COMMENT ON TABLE t IS 'a\\'; SELECT 1; --';"
        let off = "SET standard_conforming_strings = off;"
        #expect(SQLStatements("\(off)\n\(comment)").statements == [off, comment])
    }

    @Test(
        "with commands of psql in its midst is none", arguments: ["\\connect x", "\\! rm", "\\i x"])
    func commands(_ command: String) {
        #expect(SchemaScript("SELECT 1;\n\(command)\nSELECT 2;").foreignCommands == [command])
    }
}
