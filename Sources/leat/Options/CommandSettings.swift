import Foundation
import LeatConfig
import LeatEngine

extension Settings {
    /// Below the command line: the environment.
    static func ofThisProcess() -> Settings {
        Settings(below: [EnvironmentLayer(ProcessInfo.processInfo.environment)])
    }
}

/// What may be said by a flag, or once for all: by an environment variable of the same name. What is
/// done once (`--truncate`, `--endpos`, `--no-copy`) is a flag alone.
enum CommandSettings {
    static let stream = Setting.text("stream")
    static let stateDir = Setting.text("state-dir")

    // MARK: What is read

    static let publication = Setting(list: "publication", "names of publications")
    static let slot = Setting.text("slot")
    static let tables = Setting(list: "tables", "patterns of tables")
    static let exclude = Setting(list: "exclude", "patterns of tables")
    static let strict = Setting.flag("strict")
    static let streaming = Setting.flag("streaming")
    static let origin = Setting<SourceConfiguration.Origin>.choice("origin")
    static let statusInterval = Setting.duration("status-interval")
    static let maxRetainedWal = Setting.bytes("max-retained-wal")

    // MARK: How it is applied

    static let rename = Setting(list: "rename", "renames, such as public.users=app.accounts")
    static let mask = Setting(list: "mask", "masks, such as public.users.email=hash")
    static let jobs = 1...64
    static let copyJobs = Setting.number("copy-jobs", in: jobs)
    static let role = Setting<SyncConfiguration.Role>.choice("role")
    static let onConflict = Setting(list: "on-conflict", "kind=policy")
    static let assumeZone = Setting.text("assume-zone")
    static let trustOwners = Setting.flag("trust-owners")
    static let showValues = Setting.flag("show-values")
    static let answerTimeout = Setting.duration("answer-timeout")
    /// `LEAT_BINARY` is the program that the tests run.
    static let binary = Setting<SyncConfiguration.Binary>.choice("binary")
        .named(inEnvironment: "LEAT_BINARY_VALUES")
    static let netChanges = Setting.flag("net-changes")
    static let onRewrite = Setting<SyncConfiguration.Rewrite>.choice("on-rewrite")
    static let yieldLocks = Setting.duration("yield-locks")
    static let holdBack = Setting.duration("hold-back")
    static let spool = Setting.text("spool")
    static let spoolLimit = Setting.bytes("spool-limit")

    // MARK: How it is recorded

    static let pgDump = Setting.text("pg-dump")
    static let baseJobs = Setting.number("base-jobs", in: jobs)
    static let segmentSize = Setting.bytes("segment-size")
    static let keepSize = Setting.bytes("keep-size")
    static let keepAge = Setting.duration("keep-age")
    static let ignoreReaders = Setting.flag("ignore-readers")
}
