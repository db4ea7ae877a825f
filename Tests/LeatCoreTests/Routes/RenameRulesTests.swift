import LeatCore
import PGWire
import Testing

private func name(_ text: String) -> TableName {
    let parts = text.split(separator: ".").map(String.init)
    return TableName(schema: parts[0], name: parts[1])
}

@Suite("Rules that rename")
struct RenameRulesTests {
    @Test("lead schemas, tables and columns to the target's names, the nearest rule first")
    func routes() throws {
        let rules = try RenameRules([
            "public=app, public.users=app.accounts", "public.users.mail=email",
            "public.orders.id = number",
        ])

        #expect(rules.target(of: name("public.users")) == name("app.accounts"))
        #expect(rules.target(of: name("public.users_id_seq")) == name("app.users_id_seq"))
        #expect(rules.target(of: name("sales.users")) == name("sales.users"))
        let users = rules.route(of: name("public.users"))
        #expect(users.target == name("app.accounts"))
        #expect(users.column("mail") == "email" && users.column("id") == "id")
        #expect(rules.route(of: name("public.orders")).column("id") == "number")
        #expect(!rules.route(of: name("sales.users")).isRenamed)
    }

    @Test("names are read as those of --tables are")
    func quoted() throws {
        let rules = try RenameRules([
            #"public."A.b,c=d"="Ä "."x ""y""", public."A.b,c=d"."e.f"="g*""#
        ])

        let route = rules.route(of: TableName(schema: "public", name: "A.b,c=d"))
        #expect(route.target == TableName(schema: "Ä ", name: "x \"y\""))
        #expect(route.column("e.f") == "g*")
        #expect(rules.rules.count == 2)
    }

    @Test("a table stays where a rule for its former name has brought it")
    func former() throws {
        let rules = try RenameRules(["public.a=app.x", "public.a.v=w", "public.c=app.y"])

        let pinned = rules.route(of: name("public.b"), formerly: name("public.a"))
        #expect(pinned.target == name("app.x") && pinned.column("v") == "w")
        let named = rules.route(of: name("public.c"), formerly: name("public.a"))
        #expect(named.target == name("app.y") && named.column("v") == "w")
    }

    @Test(
        "what is no rule, or contradicts another, is refused",
        arguments: [
            ("users", "is no rename"), ("a=b.c", "is no rename"), ("a.b=c", "is no rename"),
            ("a.b.c=d.e", "is no rename"), ("a=b=c", "is no rename"), ("=a", "is no rename"),
            ("public.*=app.a", "is no rename"), ("a.b=c.", "is no rename"), ("", "is no rename"),
            ("a=b,a=c", "names schema a twice"), ("a.b=c.d,a.b=c.d", "names table a.b twice"),
            (#"a.b.c=x,a."b".c=y"#, "names column c of a.b twice"),
            ("a.b=x.y,a.c=x.y", "the same name"), ("a.b.c=x,a.b.d=x", "the same name"),
            ("leat=a", "Leat's own"), ("a.b=leat.tables", "Leat's own"),
        ])
    func refused(_ text: String, _ words: String) {
        #expect {
            _ = try RenameRules([text])
        } throws: { error in
            guard let halt = error as? Halt else { return false }
            return halt.exitCode == .configuration && halt.message.contains(words)
        }
    }

    private static func subjects(_ rules: RenameRules) -> RenameRules.Subjects {
        .init(
            tables: ["public.users", "public.orders", "app.accounts"].map { text in
                .init(
                    route: rules.route(of: name(text)), former: nil, columns: ["id", "mail"])
            }, others: [name("stock.numbers")], gone: [name("old.gone")])
    }

    @Test(
        "what names nothing is refused with what it may have been meant for",
        arguments: [
            ("public.userz=a.b", "near: public.users", "--rename public.users=a.b"),
            ("publik=a", "near: public", "--rename public=a"),
            ("public.users.maill=e", "near: public.users.mail", "--rename public.users.mail=e"),
            ("public.userz.mail=e", "near: public.users.mail", "--rename public.users.mail=e"),
            ("sales.nothing=a.b", "name nothing that is followed", "the source's names before"),
            ("public.users=app.accounts", "Several tables would go to table app.accounts", "_2"),
        ])
    func nothing(_ text: String, _ words: String, _ advice: String) throws {
        let rules = try RenameRules([text])
        #expect {
            try rules.check(Self.subjects(rules))
        } throws: { error in
            guard let halt = error as? Halt else { return false }
            return halt.exitCode == .preflight && halt.message.contains(words)
                && halt.advice?.contains(advice) == true
        }
    }

    @Test(
        "tables, sequences and what was followed before may be named",
        arguments: [
            "stock=a", "stock.numbers=a.b", "old.gone=a.b", "old.gone.c=d", "old=a",
            "app.accounts=public.users,public.users=app.accounts", "public.users.mail=id2",
        ])
    func named(_ text: String) throws {
        let rules = try RenameRules([text])
        try rules.check(Self.subjects(rules))
    }

    @Test("what was made under the source's names gets its own by statements that work")
    func statements() throws {
        let rules = try RenameRules([
            "public.a=public.b,public.b=public.a", "public.a.x=y,public.a.y=x",
        ])

        #expect(
            TableRoute.statements(
                renaming: ["public.a", "public.b"].map {
                    rules.route(of: name($0))
                }) == [
                    #"alter table "public"."a" rename to "leat_renamed_1";"#,
                    #"alter table "public"."b" rename to "a";"#,
                    #"alter table "public"."leat_renamed_1" rename to "b";"#,
                    #"alter table "public"."b" rename column "x" to "leat_renamed_1";"#,
                    #"alter table "public"."b" rename column "y" to "x";"#,
                    #"alter table "public"."b" rename column "leat_renamed_1" to "y";"#,
                ])
    }
}
