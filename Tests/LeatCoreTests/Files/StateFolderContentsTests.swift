import LeatCore
import Testing

@Suite("What lies in a state folder")
struct StateFolderContentsTests {
    @Test(
        "without a marker: empty, of an earlier version, or somebody's",
        arguments: [
            ([], [], nil), (["leat-state.new"], [], nil), (["lock"], [], nil),
            (["lock", "spool", "halt.json"], ["742", "4294967295"], nil),
            (["lock", "notes"], [], ["notes"]), (["spool"], [], ["spool"]),
            (["lock", "spool"], ["mail"], ["spool/mail"]),
            (["lock", "spool"], ["007"], ["spool/007"]),
        ] as [([String], [String], [String]?)])
    func unmarked(_ names: [String], _ spool: [String], _ foreign: [String]?) throws {
        let contents = StateFolderContents(names: names, spoolNames: spool, marker: nil)
        let stream = try #require(StreamName("shop"))

        let expected = foreign.map(StateFolderContents.Decision.foreign) ?? .mark
        #expect(contents.decision(for: stream) == expected)
    }

    @Test("with a marker: this stream's whatever else is in it, or another's")
    func marked() throws {
        let stream = try #require(StreamName("shop"))
        let other = try #require(StreamName("other"))
        var contents = StateFolderContents(
            names: ["leat-state", "lock", "notes"], spoolNames: [],
            marker: StateFolderContents.marker(of: stream))

        #expect(contents.decision(for: stream) == .use)
        #expect(contents.decision(for: other) == .ofAnotherStream("shop"))
        for damaged in ["", "leat-state 1\nstream ../x\n", "leat-state 2\nstream shop\n"] {
            contents.marker = damaged
            #expect(contents.decision(for: stream) == .damagedMarker)
        }
    }

    @Test(
        "where it is by default",
        arguments: [
            (["STATE_DIRECTORY": "/a:/b", "HOME": "/h"], false, "/a/s"),
            (["XDG_STATE_HOME": "/x", "HOME": "/h"], false, "/x/leat/s"),
            (["XDG_STATE_HOME": "x", "HOME": "/h"], false, "/h/.local/state/leat/s"),
            (["HOME": "/h"], true, "/var/lib/leat/s"), ([:], true, "/var/lib/leat/s"),
            ([:], false, nil), (["HOME": ""], false, nil), (["HOME": "h"], false, nil),
        ] as [([String: String], Bool, String?)])
    func place(_ environment: [String: String], _ isRoot: Bool, _ path: String?) {
        #expect(StateDirectory(environment, isRoot: isRoot).path("s") == path)
    }
}
