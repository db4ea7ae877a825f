import LeatTestSupport

extension TypeCases {
    /// What Leat refuses, each with its reason, and what stops it on the way.
    static let refused = unwritable + otherParts + lostNames

    /// Only the server itself makes values of these types.
    private static let unwritable = [
        "gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list",
        "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary",
    ].map { name in
        TypeCase(name, []).notAsKey().withoutArrays().inText("refused in text form too")
            .refusedAtStart { _ in "no client can write its values" }
    }

    /// The same name on both sides, made of something else.
    private static let otherParts = [
        TypeCase("outside", ["row(row(1, 2), 3)"], covers: []).named("composite of another inside")
            .between(
                "create type inside as (a int, b int); create type outside as (i inside, n int);",
                "create type inside as (b int, a int); create type outside as (i inside, n int);"
            ).refusedAtStart { _ in "the type's fields are others on the target" },
        TypeCase("part", ["row(1, 2)"], covers: []).named("row type of another table")
            .between("create table part (a int, b int);", "create table part (b int, a int);")
            .with { $0.setup += "alter table part replica identity full;" }
            .refusedAtStart { _ in "the type's fields are others on the target" },
        TypeCase("span", ["'[0.1,0.2)'"], covers: []).named("range of another subtype")
            .between(
                "create type span as range (subtype = float8);",
                "create type span as range (subtype = float4);"
            ).refusedAtStart { _ in "the range's subtype is another on the target" },
        TypeCase("feeling", ["'sad'"], covers: []).named("enum of fewer labels")
            .between(
                "create type feeling as enum ('ok', 'sad');",
                "create type feeling as enum ('ok');"
            ).refusedAtStart { _ in "the target's enum lacks sad" },
    ].map { $0.inText("refused in text form too") }

    /// Names that say nothing there, or too much.
    private static let lostNames = [
        TypeCase("regproc", ["'pg_catalog.abs(int4)'::regprocedure"], covers: [])
            .named("regproc of an overloaded function").with {
                $0.refusal = { _ in
                    Case.Refusal(
                        moment: .copy, exitCode: 4, words: ["ambiguous_function"])
                }
            },
        TypeCase("regclass", ["'only_here'"], covers: []).named("regclass of a missing table")
            .between("create sequence only_here;", "").with {
                $0.refusal = { _ in
                    Case.Refusal(
                        moment: .copy, exitCode: 4, words: ["undefined_"],
                        mend: "create sequence only_here;")
                }
            },
    ].map { $0.inText("its OID is another object's on the target") }
}

extension TypeCase {
    fileprivate func between(_ source: String, _ target: String) -> TypeCase {
        with {
            $0.setup = source
            $0.targetSetup = target
        }
    }

    func refusedAtStart(
        _ reason: @escaping @Sendable (Pair.Versions) -> String?
    ) -> TypeCase {
        with {
            $0.refusal = { versions in reason(versions).map { .start(6, "column v", $0) } }
        }
    }
}
