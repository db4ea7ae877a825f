public import LeatCore
public import PGClient

/// What `leat replay` was asked to do. How it is applied are ``TargetSettings``, whose properties are
/// this one's too.
@dynamicMemberLookup
public struct ReplayConfiguration: TargetConfiguration {
    /// The archive's folder.
    public var archive: String
    public var target: Conninfo
    public var stream: StreamName
    public var applying = TargetSettings()
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

    public init(archive: String, target: Conninfo, stream: StreamName) {
        self.archive = archive
        self.target = target
        self.stream = stream
    }

    public subscript<Value>(
        dynamicMember property: WritableKeyPath<TargetSettings, Value>
    ) -> Value {
        get { applying[keyPath: property] }
        set { applying[keyPath: property] = newValue }
    }

    /// `leat replay` for this stream, as one types it.
    func command(_ more: [String]) -> String {
        ShellText.command(
            [
                "leat", "replay", "--archive", archive, "--target", target.printable, "--stream",
                stream.text,
            ] + applying.renames.words + applying.masks.words + more)
    }

    var handling: ApplyHandling { ApplyHandling(applying) }
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
