import LeatTestSupport
import Testing

@Suite("Values without a time zone in columns with one")
struct TimeZoneTests {
    private static let source = """
        create table t (id int primary key, at timestamp, day date, list timestamp[]);
        insert into t values (1, '2024-07-01 12:00', '2024-07-01', '{2024-01-01 12:00,infinity}');
        """
    private static let target =
        "create table t (id int primary key, at timestamptz, day timestamptz, list timestamptz[]);"

    /// What the row is in a zone, as the target has it.
    private static func expected(_ zone: String) -> String {
        """
        select count(*) from t where at = '2024-07-01 12:00 \(zone)'
          and day = '2024-07-01 00:00 \(zone)' and list[1] = '2024-01-01 12:00 \(zone)'
          and list[2] = 'infinity'
        """
    }

    private static let insert =
        "insert into t select max(id) + 1, min(at), min(day), min(list) from t"

    @Test("are read in the target's zone, copied and streamed, whatever it is set to later")
    func ofTarget() async throws {
        try await Pair.with { pair in
            try await pair.onSource(Self.source)
            try await pair.onTarget(Self.target)
            try await pair.onTarget("alter database \(pair.database) set timezone = 'Asia/Tokyo'")
            try await pair.onSource("alter database \(pair.database) set timezone = 'America/Lima'")

            let first = try await pair.sync("--endpos", "now")
            try await pair.onSource(Self.insert)
            try await pair.onTarget("alter database \(pair.database) set timezone = 'Europe/Paris'")
            try await pair.catchUp("--net-changes", "off")
            try await pair.onSource("\(Self.insert); update t set at = at where id = 1")
            try await pair.catchUp()

            #expect(first.log.contains("are read in zone Asia/Tokyo"), "\(first.log)")
            #expect(first.log.contains("public.t.at, public.t.day, public.t.list"))
            #expect(try await pair.targetValue(Self.expected("Asia/Tokyo")) == "3")
        }
    }

    @Test("are read in the zone that is named, also by a replay; an unknown one is refused")
    func named() async throws {
        try await Staging.with(schema: "select 1") { staging in
            let pair = staging.pair
            try await pair.onSource(Self.source)
            try await pair.onTarget(Self.target)
            let refused = try await pair.sync("--assume-zone", "Mars/Olympus")
            #expect(refused.exitCode == 2 && refused.log.contains("is no time zone"))

            try await pair.catchUp("--assume-zone", "Asia/Tokyo")
            try await pair.onSource(Self.insert)
            try await pair.catchUp()

            #expect(try await pair.targetValue(Self.expected("Asia/Tokyo")) == "2")

            _ = try await pair.leat(["cleanup"] + pair.places + ["--yes"])
            try await pair.onTarget("truncate t")
            try await staging.record("--with-base")
            try await pair.onSource(Self.insert)
            try await staging.record()
            try await staging.replay("--assume-zone", "Europe/Paris")
            #expect(try await pair.targetValue(Self.expected("Europe/Paris")) == "3")
        }
    }
}
