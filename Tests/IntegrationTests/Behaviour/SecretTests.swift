import Foundation
import LeatTestSupport
import Testing

@Suite("Passwords")
struct SecretTests {
    /// A command of `leat help`, with what it takes.
    private struct Command {
        var words: [String]
        /// nil: an argument without a name.
        var options: [String?]
    }

    private struct Tree: Decodable {
        struct Node: Decodable {
            var commandName: String, subcommands: [Node]?, arguments: [Argument]?
        }
        struct Argument: Decodable {
            var kind: String, names: [Name]?
        }
        struct Name: Decodable {
            var kind: String, name: String
        }
        var command: Node
    }

    private static func commands(_ node: Tree.Node, _ words: [String] = []) -> [Command] {
        let children = (node.subcommands ?? []).filter { $0.commandName != "help" }
        guard children.isEmpty else {
            return children.flatMap { commands($0, words + [$0.commandName]) }
        }
        let options = (node.arguments ?? []).compactMap { argument in
            argument.names?.first { $0.kind == "long" }.map { "--\($0.name)" }
        }
        return [Command(words: words, options: options + [nil, "--unknown"])]
    }

    /// What a password may hold that means something to a URI, a conninfo, a shell or a terminal.
    private static let odd = [
        "@", "/", ":", "%", "%zz", "?", "#", "&", "=", "'", "\"", "\\", " ", "\n", "ü", "\u{1B}[2J",
        "\u{202E}", ",", "*", ";", "$",
    ]

    private static func forms(_ odd: String) -> [String] {
        let (password, place) = ("SECRET\(odd)SECRET", "127.0.0.1:1")
        return [
            "postgresql://joe:\(password)@\(place)/shop",
            "postgres://joe:\(password)@\(place)",
            "host=127.0.0.1 port=1 dbname=shop password=\(password) user=joe",
            "host=127.0.0.1 port=1 dbname=shop sslpassword = '\(password)'",
            "host=127.0.0.1 port=1 dbname=postgresql://joe:\(password)@h/shop",
        ]
    }

    @Test("are shown by no option of any command, whatever is in them and wherever they are given")
    func everyOption() async throws {
        let help = try await LeatProcess.run(["--experimental-dump-help"])
        let tree = try JSONDecoder().decode(Tree.self, from: Data(help.output.utf8))
        let commands = Self.commands(tree.command)
        #expect(commands.count > 20)
        let folder = NSTemporaryDirectory() + "leat-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Each odd character in each form, and each option with some of them.
        let texts = Self.odd.flatMap(Self.forms)
        var runs: [[String]] = []
        for command in commands {
            for option in command.options {
                let text = texts[runs.count % texts.count]
                runs.append(command.words + (option.map { [$0, text] } ?? [text]))
            }
        }
        let left = texts.indices.filter { $0 >= runs.count }.map { texts[$0] }
        runs += (left + texts).prefix(texts.count).flatMap { [["status", "--target", $0]] }
        runs += stride(from: 0, to: texts.count, by: 5).map { ["status", "--target=\(texts[$0])"] }

        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                let runs = runs.indices.filter { $0 % 4 == worker }.map { runs[$0] }
                group.addTask {
                    for arguments in runs {
                        let outcome = try await LeatProcess.run(
                            arguments, environment: ["XDG_STATE_HOME": folder])
                        let text = outcome.output + outcome.log
                        #expect(outcome.exitCode != 0, "\(arguments)")
                        #expect(!text.contains("SECRET"), "\(arguments)\n\(text)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// A program's arguments are seen by everyone on the machine.
    @Test("go to pg_dump by its environment and its input")
    func dump() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            let (script, seen) = ("\(LeatProcess.folder)/dump", "\(LeatProcess.folder)/dump-seen")
            let program = pair.source.installation.program("pg_dump")
            try """
            #!/bin/sh
            printf '%s\\n' "$@" > '\(seen)'
            exec '\(program)' "$@"
            """.write(toFile: script, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: script)
            let source = pair.source.conninfo(database: pair.database)

            let outcome = try await pair.record(
                "--with-base", "--pg-dump", script, "--source",
                source + " password=SECRET sslpassword='SEC RET'")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let arguments = try String(contentsOfFile: seen, encoding: .utf8)
            #expect(arguments.contains("--schema-only") && !arguments.contains("SEC"))
            #expect(!outcome.text.contains("SEC"))
        }
    }
}
