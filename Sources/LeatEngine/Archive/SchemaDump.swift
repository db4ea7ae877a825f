internal import Foundation
internal import LeatCore
internal import PGClient

/// Calls `pg_dump` for the schema of the source, as it is in a snapshot.
///
/// Without publications and subscriptions, which would not be of a copy, and without owners and
/// rights, whose roles need not be there.
///
/// Nothing secret is among its arguments, which everyone on the machine sees, and nothing is in a
/// file: the password is in its environment, and what else is secret comes through its standard
/// input, as a service file that libpq reads once.
struct SchemaDump {
    let program: String
    let source: Conninfo

    func run(snapshot: String) async throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            program, "--schema-only", "--no-owner", "--no-privileges", "--no-publications",
            "--no-subscriptions", "--exclude-schema=leat", "--no-password",
            "--snapshot=\(snapshot)", "--dbname=\(source.printable)",
        ]
        var environment = ProcessInfo.processInfo.environment
        if let password = source["password"] { environment["PGPASSWORD"] = password }
        process.standardInput = try secrets(&environment)
        process.environment = environment
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        do { try process.run() } catch {
            throw failed("it cannot be started: \(error.localizedDescription)")
        }
        return try await withTaskCancellationHandler {
            async let complaint = SchemaDump.read(errors)
            let schema = await SchemaDump.read(output)
            let words = await complaint
            process.waitUntilExit()
            try Task.checkCancellation()
            guard process.terminationStatus == 0 else {
                let text = String(decoding: words, as: UTF8.self)
                throw failed(text.split(separator: "\n").joined(separator: " "))
            }
            return schema
        } onCancel: {
            process.terminate()
        }
    }

    /// The rest of what is secret, as a service of a service file.
    private func secrets(_ environment: inout [String: String]) throws -> Any {
        let hasService = source["service"] ?? environment["PGSERVICE"] != nil
        guard let lines = source.secretServiceLines, lines.isEmpty || !hasService else {
            throw Halt(
                .configuration,
                "pg_dump cannot be given the \(Conninfo.secretWords) of --source as it stands.",
                advice: """
                    Name a service of a service file (PGSERVICEFILE) that holds it, or leave the \
                    schema out with --no-schema.
                    """)
        }
        guard !lines.isEmpty else { return FileHandle.nullDevice }
        environment["PGSERVICE"] = "leat"
        environment["PGSERVICEFILE"] = "/dev/stdin"
        let pipe = Pipe()
        // It fits into a pipe as a whole.
        let text = (["[leat]"] + lines).map { "\($0)\n" }.joined()
        try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try pipe.fileHandleForWriting.close()
        return pipe
    }

    /// On a thread that may wait.
    private static func read(_ pipe: Pipe) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    returning: Array(pipe.fileHandleForReading.readDataToEndOfFile()))
            }
        }
    }

    private func failed(_ reason: String) -> Halt {
        Halt(
            .preflight, "\(program) cannot write the schema of the base: \(reason)",
            advice: """
                Give one that is at least as new as the source with --pg-dump PATH, or leave the \
                schema out with --no-schema.
                """)
    }
}
