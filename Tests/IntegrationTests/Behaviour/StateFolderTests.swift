import Foundation
import LeatTestSupport
import Testing

@Suite("The state folder: what others have put there, and what is theirs")
struct StateFolderTests {
    private static let schema = "create table t (id int primary key)"
    private var files: FileManager { .default }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    private func folder(_ path: String, _ mode: Int = 0o700) throws {
        try files.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: mode])
        // Whatever the mask is.
        try files.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("a folder with files of others is refused, and neither a start nor cleanup touches it")
    func foreign() async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let other = "\(LeatProcess.folder)/other-\(pair.database)"
            defer { try? files.removeItem(atPath: other) }
            try folder("\(other)/spool")
            try write("1\n", "\(other)/lock")
            try write("precious", "\(other)/spool/mail")
            try write("precious", "\(other)/notes")

            try await pair.expectRefusal(2, other, "notes", options: ["--state-dir", other])
            try await pair.catchUp()
            let cleanup = try await pair.leat(
                ["cleanup", "--yes"] + pair.places + ["--state-dir", other])

            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            #expect(cleanup.output.contains("left: state folder \(other)"))
            #expect(
                try files.contentsOfDirectory(atPath: other).sorted() == [
                    "lock", "notes", "spool",
                ])
            #expect(
                try String(contentsOfFile: "\(other)/spool/mail", encoding: .utf8) == "precious")
        }
    }

    @Test("one of an earlier version is taken over; a marked one keeps what is not Leat's")
    func takenOver() async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let place = pair.stateDirectory
            try folder("\(place)/spool")
            try write("1\n", "\(place)/lock")
            try write("half", "\(place)/spool/742")

            try await pair.catchUp()
            #expect(
                try String(contentsOfFile: "\(place)/leat-state", encoding: .utf8)
                    == "leat-state 1\nstream \(pair.stream)\n")
            #expect(!files.fileExists(atPath: "\(place)/spool/742"))
            try folder("\(place)/spool")
            try write("mine", "\(place)/spool/mine")
            try write("mine", "\(place)/mine")
            try await pair.expectRefusal(
                2, "stream \(pair.stream)", options: ["--stream", "other_\(pair.stream)"])
            try await pair.catchUp()
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)

            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            #expect(cleanup.output.contains("it holds other files"))
            #expect(try files.contentsOfDirectory(atPath: place).sorted() == ["mine", "spool"])
            #expect(try files.contentsOfDirectory(atPath: "\(place)/spool") == ["mine"])
        }
    }

    @Test("planted links are not followed", arguments: ["lock", "spool", "leat-state.new"])
    func links(_ name: String) async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let victim = "\(LeatProcess.folder)/victim-\(pair.database)"
            defer { try? files.removeItem(atPath: victim) }
            try folder(pair.stateDirectory)
            try folder(victim)
            try write("1", "\(victim)/742")
            if name != "lock" { try write("1\n", "\(pair.stateDirectory)/lock") }
            try files.createSymbolicLink(
                atPath: "\(pair.stateDirectory)/\(name)",
                withDestinationPath: name == "spool" ? victim : "\(victim)/742")

            let outcome = try await pair.sync("--endpos", "now")

            #expect(outcome.exitCode == (name == "leat-state.new" ? 0 : 9), "\(outcome.log)")
            #expect(try String(contentsOfFile: "\(victim)/742", encoding: .utf8) == "1")
        }
    }

    @Test(
        "a folder that others may write to is refused, a group's and one below it is warned of",
        arguments: [
            (0o777, 0o755, nil), (0o700, 0o777, "is writable for every user"),
            (0o770, 0o755, "is writable for its group"),
        ] as [(Int, Int, String?)])
    func modes(_ mode: Int, _ above: Int, _ warning: String?) async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let parent = "\(LeatProcess.folder)/modes-\(pair.database)"
            defer { try? files.removeItem(atPath: parent) }
            try folder(parent, above)
            try folder("\(parent)/state", mode)
            // Root's own group has nobody else in it.
            let isShared = geteuid() == 0 && chown("\(parent)/state", 0, 1) == 0
            let options = ["--state-dir", "\(parent)/state"]
            guard let warning else {
                try await pair.expectRefusal(2, "could put files there", options: options)
                #expect(try files.contentsOfDirectory(atPath: "\(parent)/state").isEmpty)
                return
            }

            let outcome = try await pair.sync("--endpos", "now", options[0], options[1])

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let isTold = warning.contains("every") || isShared
            #expect(outcome.log.contains(warning) == isTold, "\(outcome.log)")
        }
    }

    @Test(
        "an archive into which others may put files is neither played nor proved",
        arguments: [
            (0o777, 0, 0, "is writable for every user", 2), (0o700, 1, 0, "another user (1)", 2),
            (0o770, 0, 1, "is writable for its group", 0), (0o700, 0, 0, "", 0),
        ] as [(Int, uid_t, gid_t, String, Int32)])
    func reading(
        _ mode: Int, _ owner: uid_t, _ group: gid_t, _ words: String, _ code: Int32
    ) async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let recorded = try await pair.record("--with-base", "--no-schema")
            #expect(recorded.exitCode == 0, "\(recorded.log)")
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: pair.archive)
            let isOther = owner != 0 || group != 0
            // Else only root could give it away.
            guard !isOther || geteuid() == 0 && chown(pair.archive, owner, group) == 0 else {
                return
            }

            for command in [
                ["archive", "verify", pair.archive],
                [
                    "replay", "--archive", pair.archive, "--target",
                    pair.target.conninfo(database: pair.database),
                ],
            ] {
                let outcome = try await pair.leat(command)

                #expect(outcome.exitCode == code, "\(outcome.text)")
                #expect(outcome.log.contains(words) || words.isEmpty, "\(outcome.log)")
                #expect(outcome.log.contains("may put files") == (code == 0 && !words.isEmpty))
            }
            let rows = try await pair.targetValue("select count(*) from t")
            #expect(rows == (code == 0 ? "1" : "0"))
        }
    }

    @Test("an archive too: neither a folder that others may write to, nor links in it")
    func archive() async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let victim = "\(LeatProcess.folder)/victim-\(pair.database)"
            defer { try? files.removeItem(atPath: victim) }
            try write("precious", victim)
            try folder(pair.archive, 0o777)

            let open = try await pair.record()
            #expect(open.exitCode == 2, "\(open.log)")
            #expect(open.log.contains("could put files there"))

            try folder(pair.archive)
            for name in ["position.new", "stream.json.new", "partitions.json.new"] {
                try files.createSymbolicLink(
                    atPath: "\(pair.archive)/\(name)", withDestinationPath: victim)
            }
            let recorded = try await pair.record()
            #expect(recorded.exitCode == 0, "\(recorded.log)")
            #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")

            try files.removeItem(atPath: "\(pair.archive)/lock")
            try files.createSymbolicLink(
                atPath: "\(pair.archive)/lock", withDestinationPath: victim)
            let locked = try await pair.record()
            #expect(locked.exitCode == 9 && locked.log.contains("symbolic link"))
            #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
        }
    }
}
