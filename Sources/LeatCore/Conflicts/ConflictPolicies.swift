/// `--on-conflict`: the policy of each kind.
public struct ConflictPolicies: Sendable, Equatable {
    private var policies: [ConflictKind: ConflictPolicy] = [:]

    /// Every conflict stops the stream.
    public init() {}

    /// - Parameter texts: Each `KIND=POLICY`.
    /// - Throws: ``Halt`` (exit code 2).
    public init(_ texts: [String]) throws(Halt) {
        for text in texts {
            let (kind, policy) = try ConflictPolicies.parse(text)
            guard policies[kind] ?? policy == policy else {
                throw Halt(
                    .configuration, "--on-conflict names two policies for \(kind.rawValue).",
                    advice: "Name one.")
            }
            policies[kind] = policy
        }
    }

    public subscript(kind: ConflictKind) -> ConflictPolicy { policies[kind] ?? .stop }

    /// Whether a conflict may be resolved without a stop.
    public var resolvesAny: Bool { policies.values.contains { $0 != .stop } }

    private static func parse(
        _ text: String
    ) throws(Halt) -> (ConflictKind, ConflictPolicy) {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let kind = ConflictKind(rawValue: parts[0]) else {
            throw unknown(
                text, problem: "names no conflict", among: ConflictKind.allCases.map(\.rawValue))
        }
        guard let policy = ConflictPolicy(rawValue: parts[1]), kind.policies.contains(policy)
        else {
            throw unknown(
                text, problem: "names no policy of it", among: kind.policies.map(\.rawValue))
        }
        return (kind, policy)
    }

    private static func unknown(_ text: String, problem: String, among known: [String]) -> Halt {
        Halt(
            .configuration, "--on-conflict \"\(text)\" \(problem).",
            advice: """
                Write KIND=POLICY, for example insert_exists=apply. Here it may be: \
                \(known.joined(separator: ", ")).
                """)
    }
}
