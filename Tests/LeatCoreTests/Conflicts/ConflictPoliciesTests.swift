import LeatCore
import Testing

@Suite("Conflict policies")
struct ConflictPoliciesTests {
    @Test("every kind stops unless told otherwise")
    func standard() throws {
        let policies = try ConflictPolicies(["delete_missing=skip"])

        #expect(policies[.deleteMissing] == .skip)
        #expect(ConflictKind.allCases.filter { policies[$0] != .stop } == [.deleteMissing])
        #expect(policies.resolvesAny)
        #expect(!ConflictPolicies().resolvesAny)
        #expect(try !ConflictPolicies(["insert_exists=stop"]).resolvesAny)
    }

    @Test("each policy of each kind can be named", arguments: ConflictKind.allCases)
    func named(_ kind: ConflictKind) throws {
        for policy in ConflictPolicy.allCases {
            let text = "\(kind.rawValue)=\(policy.rawValue)"
            guard kind.policies.contains(policy) else {
                #expect(throws: Halt.self) { try ConflictPolicies([text]) }
                continue
            }
            #expect(try ConflictPolicies([text, text])[kind] == policy)
        }
    }

    @Test(
        "what makes no sense is a configuration error that says what would",
        arguments: [
            ("insert_exists", "delete_missing"), ("=skip", "insert_exists"),
            ("update_exists=apply", "stop, skip"), ("insert_exists=perhaps", "stop, apply, skip"),
            ("insert_exists=skip=apply", "insert_exists"), ("", "insert_exists"),
        ])
    func refused(_ text: String, _ word: String) {
        let halt = #expect(throws: Halt.self) { try ConflictPolicies([text]) }

        #expect(halt?.exitCode == .configuration)
        #expect(halt?.advice?.contains(word) == true)
    }

    @Test("a kind has one policy")
    func contradiction() {
        #expect(throws: Halt.self) {
            try ConflictPolicies(["insert_exists=skip", "insert_exists=apply"])
        }
    }
}
