import ArgumentParser
import Foundation
import LeatConfig
import LeatCore
import LeatEngine
import Logging
import PGClient

/// Where changes are applied and how, by whatever command.
struct TargetOptions: ParsableArguments {
    @OptionGroup var target: TargetOption

    @Flag(help: "Empty the target's tables before they are copied.")
    var truncate = false

    @Option(
        help: ArgumentHelp(
            "Another name on the target, for a schema, table or column; repeatable, or with commas.",
            discussion: "public=app, public.users=app.accounts, public.users.mail=email",
            valueName: "name=name"))
    var rename: [String] = []

    @Option(
        help: ArgumentHelp(
            "Other values on the target, for a column: null, hash or text:VALUE; repeatable.",
            discussion: "public.users.email=hash. hash needs LEAT_MASK_KEY in the environment.",
            valueName: "column=function"))
    var mask: [String] = []

    @Option(help: "Tables copied at the same time. Default: 2.")
    var copyJobs: Int?

    @Option(
        help: ArgumentHelp(
            "Triggers and foreign keys of the target: auto, replica, plain or disable-triggers.",
            discussion: "Default: auto, which is replica if the target role may, else plain."))
    var role: SyncConfiguration.Role?

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
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Let code of the target's tables run with the rights of Leat's role.",
            discussion: "Of owners with fewer rights: checks, defaults, indexes, triggers."))
    var trustOwners: Bool?

    @Flag(
        inversion: .prefixedNo,
        help: "Show the values of keys in messages, and keep them in leat.conflicts.")
    var showValues: Bool?

    @Option(
        help: ArgumentHelp(
            "Give up a connection that owes an answer for so long. Default: never.",
            discussion: "It is warned of after 10s. Longer than any statement takes, or a lock."))
    var answerTimeout: DurationText?

    func validate() throws {
        guard copyJobs.map(CommandSettings.jobs.contains) ?? true else {
            throw ValidationError("--copy-jobs takes 1 to 64")
        }
    }

    func conninfo(_ logger: Logger) throws(Halt) -> Conninfo { try target.conninfo(logger) }

    func applied(_ settings: Settings) throws -> TargetSettings {
        typealias Of = CommandSettings
        var applied = TargetSettings()
        applied.truncatesTables = truncate
        applied.conflicts = try ConflictPolicies(settings.list(Of.onConflict, flag: onConflict))
        applied.renames = try RenameRules(settings.list(Of.rename, flag: rename))
        applied.masks = try MaskRules(
            settings.list(Of.mask, flag: mask),
            key: ProcessInfo.processInfo.environment["LEAT_MASK_KEY"])
        try settings.apply(Of.copyJobs, flag: copyJobs, to: &applied.copyJobs)
        try settings.apply(Of.role, flag: role, to: &applied.role)
        try settings.apply(Of.showValues, flag: showValues, to: &applied.showsValues)
        try settings.apply(Of.assumeZone, flag: assumeZone, to: &applied.assumedZone)
        try settings.apply(Of.trustOwners, flag: trustOwners, to: &applied.trustsOwners)
        try settings.apply(
            Of.answerTimeout, flag: answerTimeout?.duration, to: &applied.answerTimeout)
        return applied
    }
}
