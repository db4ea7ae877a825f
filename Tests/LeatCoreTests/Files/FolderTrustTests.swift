import LeatCore
import Testing

@Suite("Who could put files into a folder")
struct FolderTrustTests {
    private static func findings(
        _ folder: FolderTrust.Step?, _ above: FolderTrust.Step..., user: UInt32 = 1000
    ) -> FolderTrust.Findings {
        FolderTrust(user: user, rootOwner: 0).findings(folder: folder, above: above)
    }

    private static func step(
        _ owner: UInt32, _ mode: UInt32, isLink: Bool = false, isGroupPrivate: Bool = false
    ) -> FolderTrust.Step {
        .init(
            path: "/p", owner: owner, mode: mode, isLink: isLink, isGroupPrivate: isGroupPrivate)
    }

    @Test(
        "the folder itself: its owner's, and for nobody else to write to",
        arguments: [
            (1000, 0o700, 0, 0), (0, 0o755, 0, 0), (1001, 0o700, 1, 0), (1000, 0o777, 1, 0),
            (1000, 0o1777, 1, 0), (1000, 0o770, 0, 1), (0, 0o1770, 0, 1),
        ] as [(UInt32, UInt32, Int, Int)])
    func itself(_ owner: UInt32, _ mode: UInt32, _ refusals: Int, _ warnings: Int) {
        let found = Self.findings(Self.step(owner, mode))

        #expect(found.refusals.count == refusals && found.warnings.count == warnings)
    }

    @Test(
        "a folder above it: the sticky bit keeps others from what is not theirs",
        arguments: [
            (0, 0o755, 0, 0), (0, 0o1777, 0, 0), (0, 0o777, 0, 1), (1001, 0o755, 0, 1),
            (0, 0o775, 0, 1), (0, 0o1775, 0, 0),
        ] as [(UInt32, UInt32, Int, Int)])
    func above(_ owner: UInt32, _ mode: UInt32, _ refusals: Int, _ warnings: Int) {
        let found = Self.findings(nil, Self.step(owner, mode))

        #expect(found.refusals.count == refusals && found.warnings.count == warnings)
    }

    @Test("a link counts by its owner, a group by whether anybody else is in it")
    func links() {
        let link = Self.findings(nil, Self.step(1001, 0o777, isLink: true))
        let own = Self.findings(nil, Self.step(1000, 0o777, isLink: true))
        let alone = Self.findings(nil, Self.step(1000, 0o775, isGroupPrivate: true))

        #expect(link.refusals.count == 1)
        #expect(own == .init() && alone == .init())
    }

    @Test("root trusts no other user's folder, and is told whose it works below")
    func root() {
        #expect(Self.findings(Self.step(1000, 0o755), user: 0).refusals.count == 1)
        #expect(Self.findings(nil, Self.step(1000, 0o755), user: 0).warnings.count == 1)
    }
}
