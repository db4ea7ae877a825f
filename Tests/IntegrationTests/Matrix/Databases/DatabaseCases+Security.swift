extension DatabaseCases {
    /// Row security must neither hide rows nor refuse them halfway.
    static let security = [
        secured("row security hides rows from the source role", onSource: true) {
            $0.refusal = { _ in .start(6, "row-level security", "source role", "bypassrls") }
        },
        secured("row security binds the target role", onSource: false) {
            $0.refusal = { _ in .start(6, "row-level security", "target role", "bypassrls") }
        },
        secured("row security that the source role passes by", onSource: true) {
            $0.home?.sourceSettings += "alter role {db} bypassrls;"
        },
        secured("row security that the target role passes by", onSource: false) {
            $0.home?.targetSettings += "alter role {db} bypassrls;"
        },
    ]

    /// One side has the policy, and there Leat is a plain role.
    private static func secured(
        _ name: String, onSource: Bool, _ change: @Sendable (inout Case) -> Void
    ) -> Case {
        var test = Case(group: .databases, name: name, setup: "")
        let role = """
            create role {db} login replication;
            grant usage on schema \(test.schema) to {db};
            grant all on all tables in schema \(test.schema) to {db};
            grant create on database {db} to {db};
            grant set on parameter session_replication_role to {db};
            alter table \(test.schema).t enable row level security;
            create policy own on \(test.schema).t using (id <> 2);

            """
        test.home =
            onSource
            ? Case.Home(sourceSettings: role, sourceUser: "{db}")
            : Case.Home(targetSettings: role, targetUser: "{db}")
        test.setup = "create table t (id int primary key, v text);"
        test.rows = """
            insert into t values (1, 'a'), (2, 'b');
            create publication for_leat for all tables;
            """
        test.options = ["--publication", "for_leat"]
        test.insert = "insert into t values (3, 'c');"
        test.update = "update t set v = 'd';"
        test.delete = "delete from t where id = 2;"
        test.truncate = "truncate t;"
        change(&test)
        return test
    }
}
