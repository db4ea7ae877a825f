import LeatCore
import Testing

@Suite("How a table is published")
struct PublishingTests {
    private static let all = "rows=all publish=iudt generated=- root=f place="

    private static func publishing(
        _ membership: String = "p:16398:16402", sending: String?, unsent: [String]? = []
    ) -> Publishing {
        Publishing(membership: membership, unsentKinds: unsent, sending: sending)
    }

    private static func one(_ more: String, xmin: Int = 700, unsent: [String] = []) -> Publishing {
        publishing(sending: "16398 xmin=\(xmin) owner=10 \(more)", unsent: unsent)
    }

    /// What it was, what it is, and words of the gap; nil if there is none.
    private static let cases: [(String, Publishing, Publishing, String?)] = [
        ("nothing", one(all), one(all), nil),
        ("altered and back", one(all), one(all, xmin: 701), "altered and is now as before"),
        (
            "renamed", publishing(sending: "16398 xmin=700 name=a owner=10 \(all)"),
            publishing(sending: "16398 xmin=701 name=b owner=10 \(all)"), nil
        ),
        (
            "another owner", one(all),
            publishing(sending: "16398 xmin=701 owner=11 \(all)"), nil
        ),
        (
            "sends less", one(all),
            one("rows=all publish=it generated=- root=f place=", xmin: 701, unsent: ["updates"]),
            "other kinds of changes"
        ),
        (
            "sends more",
            one("rows=all publish=it generated=- root=f place=", unsent: ["updates", "deletes"]),
            one(all, xmin: 701), nil
        ),
        (
            "generated columns are sent", one("rows=all publish=iudt generated=n root=f place="),
            one("rows=all publish=iudt generated=s root=f place=", xmin: 701),
            "publish_generated_columns"
        ),
        (
            "gets a generated column", one(all),
            one("rows=all publish=iudt generated=n root=f place="), nil
        ),
        (
            "gets a generated column while it is altered and back", one(all),
            one("rows=all publish=iudt generated=n root=f place=", xmin: 701), "as before"
        ),
        (
            "left the schema and came back",
            one("rows=all publish=iudt generated=- root=f place=650"),
            one("rows=all publish=iudt generated=- root=f place=702"), "left a published schema"
        ),
        ("was not kept", publishing(sending: nil, unsent: nil), one(all, xmin: 701), nil),
        (
            "put back", publishing("p:16398:16402", sending: nil),
            publishing("p:16398:16403", sending: nil),
            "taken out"
        ),
        (
            "the publication has another name", publishing("p:16398:16402", sending: nil),
            publishing("a: 5 q:16398:16402", sending: nil), nil
        ),
        (
            "another publication has it too", one(all),
            publishing(
                "p:16398:16402 q:16399:16405",
                sending: "16398 xmin=700 owner=10 \(all);16399 xmin=705 owner=10 \(all)"), nil
        ),
        (
            "another has it too, and the first only sent some rows",
            one("rows=some publish=iudt generated=- root=f place="),
            publishing(
                "p:16398:16402 q:16399:16405",
                sending: "16398 xmin=700 owner=10 rows=some publish=iudt generated=- root=f place=;"
                    + "16399 xmin=705 owner=10 \(all)"), "row filter"
        ),
        (
            "only another has it", one(all), publishing("q:16399:16405", sending: nil), "taken out"
        ),
    ]

    @Test("a gap is what may have been left out, and says why", arguments: 0..<cases.count)
    func gaps(_ number: Int) {
        let (name, before, now, words) = Self.cases[number]

        let gap = before.gap(to: now)

        if let words {
            #expect(gap?.contains(words) == true, "\(name): \(gap ?? "none")")
        } else {
            #expect(gap == nil, "\(name)")
        }
    }

    @Test("where something visible was altered, what it may hide is said")
    func doubts() {
        let before = Self.one(Self.all)

        #expect(
            before.doubt(to: Self.publishing(sending: "16398 xmin=701 owner=11 \(Self.all)")) != nil
        )
        #expect(before.doubt(to: before) == nil)
        #expect(before.doubt(to: Self.one(Self.all, xmin: 701)) == nil)
        #expect(Self.publishing(sending: nil).doubt(to: before) == nil)
    }

    @Test("what is sent from now on is named")
    func addedKinds() {
        let some = Self.one(Self.all, unsent: ["updates", "truncates"])

        #expect(some.addedKinds(to: Self.one(Self.all, unsent: ["truncates"])) == ["updates"])
        #expect(some.addedKinds(to: some) == nil)
        #expect(Self.publishing(sending: nil, unsent: nil).addedKinds(to: some) == nil)
    }
}

@Suite("What became of publications")
struct PublicationChangesTests {
    private let before = [PublicationIdentity("a:1"), PublicationIdentity("b:x:2")]

    @Test("names may have colons in them")
    func names() {
        #expect(before[1].name == "b:x" && before[1].oid == "2")
        #expect(before[1].text == "b:x:2")
    }

    @Test("one of another name is renamed, one of another OID dropped")
    func told() {
        let changes = PublicationChanges(
            before, now: [.init(name: "c", oid: "1"), .init(name: "b:x", oid: "3")])

        #expect(changes.renamed.map(\.now.name) == ["c"])
        #expect(changes.dropped.map(\.name) == ["b:x"])
    }

    @Test("those that exchanged their names are the same to a stream that asks for both")
    func exchanged() {
        let now = [PublicationIdentity("a:2"), PublicationIdentity("b:x:1")]

        #expect(PublicationChanges(before, now: now).isEmpty)
    }
}
