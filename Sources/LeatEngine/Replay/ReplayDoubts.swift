internal import LeatArchive
internal import LeatCore
internal import Logging
internal import PGWire

/// Where an archive may have other rows than its source, a replay stops, or says so and goes on.
struct ReplayDoubts {
    private let configuration: ReplayConfiguration
    private let logger: Logger

    init(_ configuration: ReplayConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// - Returns: The doubt at which a replay that goes on at `position` ends; nil if it comes to
    ///   none.
    /// - Throws: ``Halt`` (exit code 7) if it is in the midst of one.
    func limit(from position: LSN) throws -> ArchiveDoubt? {
        let met = try met(from: position)
        if configuration.acceptsDoubts {
            for doubt in met {
                logger.warning(
                    "the archive may have other rows than the source: \(doubt.reason)",
                    metadata: [
                        "table": "\(doubt.table)", "from": "\(doubt.since)",
                        "to": "\(doubt.until.map(\.description) ?? "-")",
                    ])
            }
            return nil
        }
        guard let first = met.min(by: { $0.since < $1.since }) else { return nil }
        guard position < first.since else { throw halt(first, at: position) }
        return first
    }

    /// Behind a recorder, one may be noticed meanwhile.
    ///
    /// - Parameters:
    ///   - position: Where the replay began.
    ///   - limit: Where it ends in any case.
    func check(from position: LSN, _ limit: ArchiveDoubt?, at now: LSN) throws {
        guard limit == nil, !configuration.acceptsDoubts else { return }
        if let new = try met(from: position).first { throw halt(new, at: now) }
    }

    func halt(_ doubt: ArchiveDoubt, at position: LSN) -> Halt {
        Halt(
            doubt, at: position,
            anew: { configuration.command(["--rewind", "--from-base", "\($0)"]) },
            accepting: configuration.command(["--accept-doubts"]))
    }

    /// What is to be replayed comes to them, or is in their midst.
    private func met(from position: LSN) throws -> [ArchiveDoubt] {
        try ArchiveFacts(configuration.archive).doubts().filter { doubt in
            guard doubt.concerns(position) else { return false }
            guard case .lsn(let until)? = configuration.until else { return true }
            return until > doubt.since
        }
    }
}
