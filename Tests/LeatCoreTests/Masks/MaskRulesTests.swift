@testable import LeatCore
import PGWire
import Testing

private func name(_ text: String) -> TableName {
    let parts = text.split(separator: ".").map(String.init)
    return TableName(schema: parts[0], name: parts[1])
}

private let types = TypeCatalog(
    [
        (25, "text"), (1043, "varchar"), (1042, "bpchar"), (2950, "uuid"), (23, "int4"),
        (3802, "jsonb"),
    ]
    .map {
        CatalogType(
            oid: $0.0, schema: "pg_catalog", name: $0.1, kind: .base, category: "S")
    } + [
        CatalogType(
            oid: 9001, schema: "public", name: "mail", kind: .domain, category: "S", inner: 25)
    ])

@Suite("Rules that mask")
struct MaskRulesTests {
    private let columns = [
        SourceColumn(number: 1, name: "id", typeOID: 23),
        SourceColumn(number: 3, name: "email", typeOID: 9001),
        SourceColumn(number: 4, name: "doc", typeOID: 3802),
    ]

    private func subject(
        _ table: String = "public.users", names: [String] = [], known: [String] = []
    ) -> MaskRules.Subject {
        MaskRules.Subject(
            name(table), names: [name(table)] + names.map(name), columns: columns,
            generated: ["upper"], known: KnownColumns(texts: known) ?? KnownColumns())
    }

    @Test("name a column and a function, which are printed as they may be given again")
    func read() throws {
        let texts = [
            "public.users.email=hash", " public.users . x=null".replacing(" . ", with: "."),
            #"public."A.b=c"."d""e"=text:a=b, c"#, "public.users.y=text:",
            "public.users.z=text:'ü'",
            #"public.users.q=text:"a,""b""#,
        ]
        let rules = try MaskRules(texts, key: "k")

        #expect(
            rules.rules.map(\.function) == [
                .hash, .null, .text("a=b, c"), .text(""), .text("'ü'"), .text("a,\"b"),
            ])
        #expect(rules.rules[2].table == TableName(schema: "public", name: "A.b=c"))
        #expect(rules.rules[2].column == "d\"e")
        #expect(try MaskRules(rules.rules.map(\.text), key: "k").rules == rules.rules)
    }

    @Test(
        "what is none, or contradicts another, is refused",
        arguments: [
            ("users.email=hash", "is no mask"), ("public.users.email", "is no mask"),
            ("public.users.email=md5", "is no mask"), ("public.*.email=null", "is no mask"),
            ("=hash", "is no mask"), ("", "is no mask"), ("a.b.c=NULL", "is no mask"),
            ("leat.tables.masks=null", "Leat's own"),
        ])
    func refused(_ text: String, _ words: String) {
        let halt = #expect(throws: Halt.self) { try MaskRules([text], key: "k") }
        #expect(halt?.exitCode == .configuration && halt?.message.contains(words) == true)
    }

    @Test("two for a column, and a hash without a key, are refused")
    func contradictions() {
        let twice = #expect(throws: Halt.self) {
            try MaskRules(["a.b.c=null", #"a."b".c=hash"#], key: "k")
        }
        #expect(twice?.message.contains("names a.b.c twice") == true)
        for key in [nil, ""] {
            let keyless = #expect(throws: Halt.self) { try MaskRules(["a.b.c=hash"], key: key) }
            #expect(keyless?.message.contains("LEAT_MASK_KEY is not set") == true)
            #expect(throws: Never.self) { try MaskRules(["a.b.c=null"], key: key) }
        }
    }

    @Test("a table's own rule comes before that for its former name, and before its root's")
    func nearest() throws {
        let rules = try MaskRules(
            ["public.root.email=null", "public.leaf.email=text:x", "public.root.id=null"], key: nil)
        let masks = try rules.masks(
            of: subject("public.leaf", names: ["public.root"]), types: types)

        #expect(masks.texts == ["1 null", "3 text:x"])
        #expect(StoredMasks(texts: masks.texts) == masks)
    }

    @Test("columns are known by their numbers, also under the name that both sides have known")
    func renamed() throws {
        let rules = try MaskRules(["public.users.mail=null"], key: nil)
        let renamed = subject(known: ["1 1 id", "3 2 mail"])
        #expect(try rules.masks(of: renamed, types: types).texts == ["3 null"])
        try rules.check([renamed])
        // Another column that is gone: nothing is to be masked, and nothing is wrong.
        let gone = subject(known: ["1 1 id", "2 2 mail"])
        #expect(try rules.masks(of: gone, types: types).isEmpty)
        try rules.check([gone])
    }

    @Test("a hash is of a form for the type, below a domain, and stored with its key")
    func forms() throws {
        let rules = try MaskRules(
            ["public.users.email=hash", "public.users.id=hash"], key: "k")
        let masks = try rules.masks(of: subject(), types: types)
        let key = MaskKey("k").fingerprint

        #expect(masks.texts == ["1 hash:int4:\(key)", "3 hash:text:\(key)"])
        #expect(StoredMasks(texts: masks.texts) == masks)
        for (rule, words) in [
            ("public.users.doc=hash", "column doc is of type jsonb, which has no hash"),
            ("public.users.upper=null", "column upper is generated"),
        ] {
            let halt = #expect(throws: Halt.self) {
                try MaskRules([rule], key: "k").masks(of: subject(), types: types)
            }
            #expect(halt?.exitCode == .preflight && halt?.message.contains(words) == true)
        }
    }

    @Test(
        "those that name nothing are refused with what they may have been meant for",
        arguments: [
            ("public.user.email", "Perhaps: --mask public.users.email=null"),
            ("sales.users.email", "--mask public.users.email=null"),
            ("public.users.emai", "--mask public.users.email=null"),
            ("public.users.Email", "--mask public.users.email=null"),
            ("public.orders.email", "as they are on the source"),
        ])
    func nothing(_ column: String, _ words: String) throws {
        let rules = try MaskRules(["\(column)=null"], key: nil)
        let halt = #expect(throws: Halt.self) { try rules.check([subject()]) }

        #expect(halt?.exitCode == .preflight)
        #expect(halt?.message.contains("These masks name no column that is followed") == true)
        #expect(halt?.advice?.contains(words) == true, "\(halt?.advice ?? "")")
        try rules.check([subject()], gone: [rules.rules[0].table])
        // Of an archive tables may be to come; a slip is one all the same.
        if column == "public.orders.email" {
            try rules.check([subject()], mayCome: true)
        } else {
            #expect(throws: Halt.self) { try rules.check([subject()], mayCome: true) }
        }
    }

    // MARK: Other rules than before

    private func change(
        _ stored: [String], _ wanted: [String], known: [String] = ["1 1 id", "3 2 email"]
    ) -> MaskChange {
        MaskChange(
            of: name("public.users"), from: StoredMasks(texts: stored) ?? StoredMasks(),
            to: StoredMasks(texts: wanted) ?? StoredMasks(), columns: columns,
            known: KnownColumns(texts: known) ?? KnownColumns())
    }

    @Test("as before, of a column that is new, or of one that is gone, they go on")
    func goOn() {
        for (stored, wanted) in [
            ([], []), (["3 null"], ["3 null"]), (["3 null"], ["3 null", "4 text:x"]),
            (["3 null", "9 text:y"], ["3 null"]),
        ] {
            #expect(change(stored, wanted).halt(copyingAnew: "") == nil, "\(stored) \(wanted)")
        }
        #expect(change(["9 text:y"], []).masks.texts == ["9 text:y"])
    }

    @Test(
        "others are refused, with those of before",
        arguments: [
            (["3 null"], [], "column email: null, now as it is", "--mask public.users.email=null"),
            ([], ["3 null"], "email: as it is, now null", "Start without a mask for it"),
            (
                ["3 text:a b"], ["3 text:c"], "email: text:a b, now text:c",
                "--mask 'public.users.email=text:a b'"
            ),
            (
                ["3 hash:text:aa"], ["3 hash:text:bb"], "hash by another LEAT_MASK_KEY",
                "--mask public.users.email=hash"
            ),
            (
                ["1 hash:int4:aa"], ["1 hash:int8:aa"], "id: hash of int4, now hash of int8",
                "id=hash"
            ),
        ])
    func others(_ stored: [String], _ wanted: [String], _ words: String, _ way: String) {
        let halt = change(stored, wanted).halt(copyingAnew: "COPY")
        #expect(halt?.exitCode == .preflight)
        #expect(halt?.message.contains(words) == true, "\(halt?.message ?? "")")
        #expect(halt?.advice?.contains(way) == true, "\(halt?.advice ?? "")")
        #expect(halt?.advice?.contains("COPY") == true)
    }

    @Test("a state that does not say which columns there are takes none for new")
    func unknownColumns() {
        #expect(change([], ["3 null"], known: []).halt(copyingAnew: "") != nil)
    }
}
