import LeatConfig
import LeatCore
import Testing

@Suite("Settings")
struct SettingsTests {
    private enum Form: String, CaseIterable, Sendable { case auto, on, off }

    private struct File: SettingLayer {
        let lines: [String: [String]]

        func texts(
            of name: String, variable: String, isList: Bool
        ) -> (texts: [String], place: String)? {
            lines[name].map { ($0, "leat.yaml, line 3") }
        }
    }

    private static let jobs = Setting.number("copy-jobs", in: 1...64)

    private func settings(
        environment: [String: String] = [:], file: [String: [String]] = [:]
    ) -> Settings {
        Settings(below: [EnvironmentLayer(environment), File(lines: file)])
    }

    /// A flag beats the environment, that beats a file, and what nobody says stays.
    @Test(
        arguments: [
            (7, "8", "9", 7, .flag), (nil, "8", "9", 8, .layer("$LEAT_COPY_JOBS")),
            (nil, nil, "9", 9, .layer("leat.yaml, line 3")), (nil, nil, nil, 2, nil),
            (nil, "", nil, 2, nil),
        ] as [(Int?, String?, String?, Int, Settings.Origin?)])
    func precedence(
        _ flag: Int?, _ variable: String?, _ line: String?, _ wanted: Int,
        _ origin: Settings.Origin?
    ) throws {
        let settings = settings(
            environment: variable.map { ["LEAT_COPY_JOBS": $0] } ?? [:],
            file: line.map { ["copy-jobs": [$0]] } ?? [:])
        var jobs = 2
        try settings.apply(Self.jobs, flag: flag, to: &jobs)
        #expect(jobs == wanted)
        #expect(settings.origins["copy-jobs"] == origin)
    }

    @Test("what is no value is refused with its place and with what would be one")
    func refused() {
        let settings = settings(environment: [
            "LEAT_COPY_JOBS": "65", "LEAT_BINARY_FORM": "maybe", "LEAT_STRICT": "2",
            "LEAT_STATUS_INTERVAL": "soon",
        ])
        let refusals: [(place: String, shape: String, ask: () throws(Halt) -> Void)] = [
            (
                "$LEAT_COPY_JOBS", "a number from 1 to 64",
                { () throws(Halt) in _ = try settings.value(of: Self.jobs, flag: nil) }
            ),
            (
                "$LEAT_BINARY_FORM", "auto, on or off",
                { () throws(Halt) in
                    _ = try settings.value(of: Setting<Form>.choice("binary-form"), flag: nil)
                }
            ),
            (
                "$LEAT_STRICT", "on or off",
                { () throws(Halt) in _ = try settings.value(of: .flag("strict"), flag: nil) }
            ),
            (
                "$LEAT_STATUS_INTERVAL", "a duration",
                { () throws(Halt) in
                    _ = try settings.value(of: .duration("status-interval"), flag: nil)
                }
            ),
        ]
        for (place, shape, ask) in refusals {
            let halt = #expect(throws: Halt.self) { try ask() }
            #expect(halt?.exitCode == .configuration)
            #expect(halt?.message.contains(place) == true, "\(place)")
            #expect(halt?.advice?.contains(shape) == true, "\(shape)")
        }
    }

    @Test("a list is the flags', or the first layer's that has any")
    func lists() throws {
        let tables = Setting(list: "tables", "patterns")
        let settings = settings(file: ["tables": ["a.*", "b"]])
        #expect(try settings.list(tables, flag: ["c"]) == ["c"])
        #expect(try settings.list(tables, flag: []) == ["a.*", "b"])
        #expect(try self.settings().list(tables, flag: []) == [])
        let environment = self.settings(environment: ["LEAT_TABLES": "a.*, \"b,c\" ,,d"])
        #expect(try environment.list(tables, flag: []) == ["a.*", "\"b,c\"", "d"])
    }
}
