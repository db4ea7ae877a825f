import ArgumentParser
import LeatCore
import LeatEngine
import Logging
import PGClient

/// Where changes are applied and how, by whatever command.
struct TargetOptions: ParsableArguments {
    @OptionGroup var target: TargetOption

    @Flag(help: "Empty the target's tables before they are copied.")
    var truncate = false

    @Option(help: "Tables copied at the same time.")
    var copyJobs = 2

    @Option(
        help: ArgumentHelp(
            "Triggers and foreign keys of the target: auto, replica, plain or disable-triggers.",
            discussion: "auto: replica if the target role may, else plain."))
    var role = SyncConfiguration.Role.auto

    @Option(
        help: ArgumentHelp(
            "What to do about a change that does not fit; repeatable. Default: stop.",
            discussion: ConflictText.policies, valueName: "kind=policy"))
    var onConflict: [String] = []

    @Option(
        help: ArgumentHelp(
            "Zone of values without one where the target's column has one, such as Europe/Berlin.",
            discussion: "Default: the target's own, as of the stream's first start."))
    var assumeZone: String?

    @Flag(
        help: ArgumentHelp(
            "Let code of the target's tables run with the rights of Leat's role.",
            discussion: "Of owners with fewer rights: checks, defaults, indexes, triggers."))
    var trustOwners = false

    @Flag(help: "Show the values of keys in messages, and keep them in leat.conflicts.")
    var showValues = false

    @Option(
        help: ArgumentHelp(
            "Give up a connection that owes an answer for so long. Default: never.",
            discussion: "It is warned of after 10s. Longer than any statement takes, or a lock."))
    var answerTimeout: DurationText?

    func validate() throws {
        guard (1...64).contains(copyJobs) else {
            throw ValidationError("--copy-jobs takes 1 to 64")
        }
    }

    func conninfo(_ logger: Logger) throws(Halt) -> Conninfo { try target.conninfo(logger) }

    func apply(to configuration: inout some TargetConfiguration) throws {
        configuration.truncatesTables = truncate
        configuration.copyJobs = copyJobs
        configuration.role = role
        configuration.conflicts = try ConflictPolicies(onConflict)
        configuration.showsValues = showValues
        configuration.assumedZone = assumeZone
        configuration.trustsOwners = trustOwners
        configuration.answerTimeout = answerTimeout?.duration
    }
}
