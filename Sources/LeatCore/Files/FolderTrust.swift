/// Whether another user of this machine could put files into a folder, or another folder in its
/// place: as an owner, or by the mode of it or of a folder above it.
public struct FolderTrust: Sendable {
    /// A folder or symbolic link on the way to it.
    public struct Step: Equatable, Sendable {
        public var path: String
        public var owner: UInt32
        public var mode: UInt32
        public var isLink: Bool
        /// The group is its owner's own, with nobody else in it.
        public var isGroupPrivate: Bool

        public init(
            path: String, owner: UInt32, mode: UInt32, isLink: Bool = false,
            isGroupPrivate: Bool = false
        ) {
            self.path = path
            self.owner = owner
            self.mode = mode
            self.isLink = isLink
            self.isGroupPrivate = isGroupPrivate
        }
    }

    /// Reasons, each as a sentence without a full stop.
    public struct Findings: Equatable, Sendable {
        /// Anybody else could put files into the folder itself.
        public var refusals: [String] = []
        /// Only members of a group could, or those whom a folder above belongs to.
        public var warnings: [String] = []

        public init(refusals: [String] = [], warnings: [String] = []) {
            self.refusals = refusals
            self.warnings = warnings
        }
    }

    /// Who asks.
    private let user: UInt32
    /// Who can do anything in any case: root, and in a container whoever the system's own folder
    /// belongs to.
    private let trusted: Set<UInt32>

    public init(user: UInt32, rootOwner: UInt32) {
        self.user = user
        trusted = [user, 0, rootOwner]
    }

    /// - Parameters:
    ///   - folder: The folder itself; nil if it is still to be made.
    ///   - above: All folders above it, and the links that lead to it.
    public func findings(folder: Step?, above: [Step]) -> Findings {
        var findings = Findings()
        if let folder { judge(folder, isItself: true, into: &findings) }
        for step in above { judge(step, isItself: false, into: &findings) }
        return findings
    }

    private func judge(_ step: Step, isItself: Bool, into findings: inout Findings) {
        guard trusted.contains(step.owner) else {
            // Whoever lets Leat work below a folder of somebody's trusts them so far; a link is
            // nothing that anybody has to work below.
            return findings.add(
                "\(step.path) belongs to another user (\(step.owner))",
                isRefused: isItself || step.isLink)
        }
        // Where the sticky bit is, nobody takes away what belongs to others.
        guard !step.isLink, isItself || step.mode & 0o1000 == 0 else { return }
        if step.mode & 0o002 != 0 {
            findings.add("\(step.path) is writable for every user", isRefused: isItself)
        } else if step.mode & 0o020 != 0, !step.isGroupPrivate {
            findings.add("\(step.path) is writable for its group", isRefused: false)
        }
    }
}

extension FolderTrust.Findings {
    fileprivate mutating func add(_ sentence: String, isRefused: Bool) {
        if isRefused { refusals.append(sentence) } else { warnings.append(sentence) }
    }
}
