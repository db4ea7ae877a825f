internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Publications that are not there, now or when a change was made.
///
/// Which publications there are is decided by the server with the catalog as it was when the change
/// was made, while our queries show what is so now. So a gap is judged by both: a publication that
/// is there now, and was since before its tables were copied, was missing only in what that copy
/// makes up for.
extension PublicationWatch {
    /// A stream that reads on under the publications' new names ends at this place.
    struct RenamedHere: Error {}

    /// - Throws: ``Halt`` (exit code 8) if one was dropped, or has another name.
    static func compare(
        _ before: [PublicationIdentity], with now: [PublicationIdentity],
        by configuration: SourceConfiguration
    ) throws {
        let changes = PublicationChanges(before, now: now)
        if !changes.dropped.isEmpty { throw dropped(changes.dropped) }
        guard !changes.renamed.isEmpty else { return }
        let current = Dictionary(
            changes.renamed.map { ($0.before.name, $0.now.name) },
            uniquingKeysWith: { first, _ in first })
        // Also those that are to join the stream.
        let given = configuration.publicationNames
        let all = given.contains { current[$0] != nil } ? given : before.map(\.name)
        throw renamed(changes, names: all.map { current[$0] ?? $0 })
    }

    private static func dropped(_ publications: [PublicationIdentity]) -> Halt {
        Halt(
            .positionMismatch,
            """
            Publication \(publications.map(\.name).joined(separator: ", ")) was dropped, or dropped \
            and made again: changes from between were not sent.
            """,
            advice: """
                Run "leat cleanup" for this stream and start it again with --truncate, which \
                copies the tables anew.
                """)
    }

    private static func renamed(
        _ changes: PublicationChanges, names: [String]
    ) -> Halt {
        let list = changes.renamed.map { "\($0.before.name) is called \($0.now.name)" }
        let options = names.map { ShellText.command(["--publication", $0]) }
        return Halt(
            .positionMismatch,
            """
            Publication \(list.joined(separator: ", ")) on the source now: under the old name \
            changes are not sent any more.
            """,
            advice: """
                Start again with \(options.joined(separator: " ")): it goes on where it stopped, and \
                copies nothing anew. Renamed back, it would lack the changes from between.
                """)
    }

    // MARK: What the server says in the stream

    /// 15 and 16: a publication did not exist when a change was made.
    static func isMissing(_ error: ConnectionError) -> Bool {
        error.peer == .source && error.sqlState == .undefinedObject
    }

    private static func isSkipped(_ notice: ServerError) -> Bool {
        notice.function == "LoadPublications"
    }

    /// - Parameter received: How far the stream was read when the server said it.
    /// - Returns: Why the stream cannot go on.
    func gap(
        _ notice: ServerError, received: LSN, on connection: Connection
    ) async throws -> (any Error)? {
        guard PublicationWatch.isSkipped(notice) else {
            logger.warning("the source's walsender says: \(notice)")
            return nil
        }
        let named = name(in: notice.message)
        let found = try await found(connection)
        if let named, isMadeUpFor(named, in: found, received: received) { return nil }
        return missing(named, in: found, received: received, words: "it warned of it")
    }

    /// - Returns: Why the stream cannot go on, instead of the server's error.
    func gap(
        _ error: ConnectionError, received: LSN, on connection: Connection
    ) async throws -> any Error {
        let found = try await found(connection)
        // The copy of a table does not help: the source sends nothing behind this place.
        return missing(
            name(in: error.message), in: found, received: received, words: "\(error)",
            sendsRest: false)
    }

    /// The message may be translated; the name is not.
    private func name(in message: String) -> String? {
        namesInStream.filter { message.contains($0) }.max { $0.utf8.count < $1.utf8.count }
    }

    private var namesInStream: [String] {
        configuration.namesInStream ?? configuration.publicationNames
    }

    /// Whether all that the publication sends was copied later than this, and it has not been
    /// touched since.
    private func isMadeUpFor(_ name: String, in found: Found, received: LSN) -> Bool {
        guard let oid = beginning.publications.first(where: { $0.name == name })?.oid,
            found.publications.contains(.init(name: name, oid: oid))
        else { return false }
        let now = Dictionary(
            found.tables.map { ($0.relation.id, $0) }, uniquingKeysWith: { first, _ in first })
        return beginning.tables.filter { !$0.publishing.isOutside(oid) }
            .allSatisfy { table in
                guard let copied = beginning.copied(table.relation.id), copied > received,
                    let version = now[table.relation.id]?.publishing.version(of: oid)
                else { return false }
                return version == table.publishing.version(of: oid)
            }
    }

    private func missing(
        _ name: String?, in found: Found, received: LSN, words: String, sendsRest: Bool = true
    ) -> any Error {
        let renamed = zip(namesInStream, configuration.publicationNames).filter { $0 != $1 }
        if renamed.contains(where: { $0.0 == name ?? $0.0 }) { return RenamedHere() }
        do {
            try PublicationWatch.compare(
                beginning.publications, with: found.publications, by: configuration)
        } catch { return error }
        let isNoticed = isAltered(found)
        return Halt(
            .positionMismatch,
            """
            Publication \(name ?? namesInStream.joined(separator: ", ")) was not there, or had \
            another name, when changes behind \(received) were made: the source does not send them \
            (\(words)). What came before is applied.
            """,
            advice: sendsRest && isNoticed
                ? """
                Start again with --truncate: the tables of that publication are copied anew, the \
                others go on.
                """
                : """
                Run "leat cleanup" for this stream and start it again with --truncate, which \
                copies the tables anew.
                """)
    }

    /// Whether the next start finds that the publication's tables have to be copied anew.
    private func isAltered(_ found: Found) -> Bool {
        let before = Dictionary(
            beginning.tables.map { ($0.relation.id, $0) }, uniquingKeysWith: { first, _ in first })
        return found.tables.contains { table in
            before[table.relation.id]?.publishing.gap(to: table.publishing) != nil
        }
    }
}
