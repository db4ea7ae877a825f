import LeatCore
import Testing

@Suite("The script of pg_dump")
struct SchemaScriptTests {
    private func object(_ name: String, _ sql: String) -> String {
        "--\n-- Name: \(name); Schema: public; Owner: -\n--\n\n\(sql)\n\n\n"
    }

    @Test("leaves for after the rows what they may violate, and nothing else")
    func parts() {
        let table = object("t; Type: TABLE", "CREATE TABLE public.t (\n    id integer\n);")
        let check = object(
            "t c; Type: CHECK CONSTRAINT",
            "ALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((id > 0)) NOT VALID;")
        let domain = object(
            "d dc; Type: CHECK CONSTRAINT",
            "ALTER DOMAIN public.d\n    ADD CONSTRAINT dc CHECK ((VALUE > 0)) NOT VALID;")
        let comment = object(
            "CONSTRAINT c ON t; Type: COMMENT",
            "COMMENT ON CONSTRAINT c ON public.t IS 'NOT VALID;';")
        let other = object(
            "t k; Type: CONSTRAINT", "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT k UNIQUE (id);")
        let function = object(
            "f(); Type: FUNCTION",
            "CREATE FUNCTION public.f() RETURNS text\n    AS $$select 'NOT VALID;'\n--\n$$;")

        let script = SchemaScript(
            "SET x = 1;\n" + table + check + domain + comment + other + function)

        #expect(script.first == "SET x = 1;\n" + table + other + function)
        #expect(
            script.afterRows == [
                "ALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((id > 0)) NOT VALID;",
                "ALTER DOMAIN public.d\n    ADD CONSTRAINT dc CHECK ((VALUE > 0)) NOT VALID;",
                "COMMENT ON CONSTRAINT c ON public.t IS 'NOT VALID;';",
            ])
    }

    @Test(
        "is whole where nothing is to be left", arguments: ["", "a", "a\n", "--\n-- Name: x\n--\n"])
    func whole(_ text: String) {
        #expect(SchemaScript(text).first == text)
    }
}
