public import LeatCore
public import PGClient

/// What `leat replay` was asked to do.
public struct ReplayConfiguration: TargetConfiguration {
    /// The archive's folder.
    public var archive: String
    public var target: Conninfo
    public var stream: StreamName
    public var beginning = ReplayFacts.Beginning.newestBase
    public var until: ReplayMoment?
    public var pauses: [ReplayMoment] = []
    /// Nil: as fast as the target takes it.
    public var speed: Double?
    /// Waits at the archive's end for more.
    public var follows = false
    /// Empties the tables of the stream and begins anew.
    public var rewinds = false
    /// Goes on where the archive may have other rows than its source.
    public var acceptsDoubts = false
    /// Creates the tables as the base has them.
    public var createsSchema = false
    public var truncatesTables = false
    public var copyJobs = 2
    public var role = SyncConfiguration.Role.auto
    public var conflicts = ConflictPolicies()
    public var showsValues = false
    public var assumedZone: String?
    public var trustsOwners = false
    public var answerTimeout: Duration?

    public init(archive: String, target: Conninfo, stream: StreamName) {
        self.archive = archive
        self.target = target
        self.stream = stream
    }

    /// `leat replay` for this stream, as one types it.
    func command(_ more: [String]) -> String {
        ShellText.command(
            [
                "leat", "replay", "--archive", archive, "--target", target.printable, "--stream",
                stream.text,
            ] + more)
    }

    var handling: ApplyHandling {
        ApplyHandling(
            role: role, conflicts: conflicts, showsValues: showsValues, assumedZone: assumedZone,
            trustsOwners: trustsOwners)
    }
}

/// The wish to go on behind a pause: from a signal.
public final class ResumeSignal: Sendable {
    private let handler = Mutex<(@Sendable () -> Void)?>(nil)

    public init() {}

    public func request() {
        handler.withLock { $0 }?()
    }

    func setHandler(_ new: (@Sendable () -> Void)?) {
        handler.withLock { $0 = new }
    }
}

internal import Synchronization
