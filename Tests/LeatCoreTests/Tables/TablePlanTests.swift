import LeatCore
import LeatTestSupport
import PGWire
import Testing

private func table(_ name: String) -> TableName { TableName(schema: "public", name: name) }

private func published(
    _ name: String, _ membership: String = "1", id: UInt32 = 1
) -> TablePlan.Published {
    .init(
        table: table(name), id: RelationID(rawValue: id),
        publishing: Publishing(membership: membership, unsentKinds: nil, sending: nil))
}

private func stored(
    _ name: String, _ state: TableState, snapshot: LSN? = nil, _ membership: String = "1",
    id: UInt32? = 1
) -> TablePlan.Stored {
    .init(
        table: table(name), id: id.map(RelationID.init(rawValue:)), state: state,
        snapshotLSN: snapshot,
        publishing: Publishing(membership: membership, unsentKinds: nil, sending: nil))
}

@Suite("Table plan")
struct TablePlanTests {
    @Test("a table without a row is added, and copied")
    func added() {
        let plan = TablePlan(published: [published("b"), published("a")], stored: [])

        #expect(plan.added == [published("b"), published("a")])
        #expect(plan.pending == [table("a"), table("b")])
        #expect(plan.removed.isEmpty && plan.unfinished.isEmpty && plan.ready.isEmpty)
    }

    @Test(
        "a table no longer published is removed, whatever its state", arguments: TableState.allCases
    )
    func removed(_ state: TableState) {
        let plan = TablePlan(published: [], stored: [stored("a", state, snapshot: 5)])

        #expect(plan.removed == [table("a")])
        #expect(plan.pending.isEmpty && plan.ready.isEmpty)
    }

    @Test("a table that was taken out and put back is copied again", arguments: TableState.allCases)
    func rejoined(_ state: TableState) {
        let plan = TablePlan(
            published: [published("a", "2")], stored: [stored("a", state, snapshot: 5, "1")])

        #expect(plan.added == [published("a", "2")])
        #expect(plan.pending == [table("a")])
        #expect(plan.removed.isEmpty && plan.ready.isEmpty)
    }

    @Test("a table that was dropped and made again is copied again", arguments: TableState.allCases)
    func remade(_ state: TableState) {
        let plan = TablePlan(
            published: [published("a", id: 2)], stored: [stored("a", state, snapshot: 5, id: 1)])

        #expect(plan.added == [published("a", id: 2)])
        #expect(plan.removed.isEmpty && plan.ready.isEmpty)
    }

    @Test("a row from before OIDs were kept is known by its name")
    func withoutID() {
        let plan = TablePlan(
            published: [published("a", id: 2)], stored: [stored("a", .ready, snapshot: 5, id: nil)])

        #expect(plan.ready == [table("a"): 5])
        #expect(plan.pending.isEmpty)
    }

    @Test(
        "a table whose copy did not end is copied again",
        arguments: [TableState.initial, .dataSync])
    func unfinished(_ state: TableState) {
        let plan = TablePlan(published: [published("a")], stored: [stored("a", state)])

        #expect(plan.unfinished == [table("a")])
        #expect(plan.pending == [table("a")])
        #expect(plan.added.isEmpty && plan.ready.isEmpty)
    }

    @Test("a table that is ready is not copied, and keeps its snapshot")
    func ready() {
        let plan = TablePlan(
            published: [published("a"), published("b")],
            stored: [stored("a", .ready, snapshot: 0x500), stored("b", .ready)])

        #expect(plan.ready == [table("a"): 0x500, table("b"): .zero])
        #expect(plan.pending.isEmpty && plan.added.isEmpty && plan.removed.isEmpty)
    }

    @Test(
        "over random publications and crashes a returned table is copied again, a ready one never")
    func randomHistories() {
        let seed = SeededGenerator.printedSeed()

        for number in 0..<2000 {
            var history = TableHistory(SeededGenerator(seed: seed &+ UInt64(number)))
            for _ in 0..<30 { history.step() }

            #expect(history.violations == [], "seed \(seed), history \(number)")
            guard history.violations.isEmpty else { return }
        }
    }
}

/// Tables that come, go and return between and during starts that may crash anywhere.
private struct TableHistory {
    private var random: SeededGenerator
    private(set) var violations: [String] = []
    private var lastMembership = 0
    private var publication: [TableName: String] = [:]
    private var rows: [TableName: TablePlan.Stored] = [:]
    /// The truth: the membership under which each table was copied to its end.
    private var copied: [TableName: String] = [:]

    init(_ random: SeededGenerator) {
        self.random = random
    }

    mutating func step() {
        for _ in 0..<Int.random(in: 0...3, using: &random) { changePublication() }
        start()
    }

    private mutating func changePublication() {
        let name = table(["a", "b", "c", "d"].randomElement(using: &random) ?? "a")
        if publication.removeValue(forKey: name) == nil || random.once(in: 3) {
            lastMembership += 1
            publication[name] = "\(lastMembership)"
        }
    }

    /// As `sync` starts: rows first, then the copies; it may crash before each step.
    private mutating func start() {
        let published = publication.map {
            TablePlan.Published(
                table: $0.key, id: RelationID(rawValue: 1),
                publishing: Publishing(membership: $0.value, unsentKinds: nil, sending: nil))
        }
        let plan = TablePlan(published: published, stored: Array(rows.values))
        check(plan)
        if random.once(in: 6) { return }
        for name in plan.removed { rows[name] = nil }
        for added in plan.added {
            rows[added.table] = .init(
                table: added.table, id: added.id, state: .initial, snapshotLSN: nil,
                publishing: added.publishing)
        }
        for name in plan.pending {
            if random.once(in: 4) { return }
            rows[name]?.state = .dataSync
            if random.once(in: 4) { return }
            rows[name]?.state = .ready
            rows[name]?.snapshotLSN = 0x100
            copied[name] = rows[name]?.publishing.membership
        }
    }

    private mutating func check(_ plan: TablePlan) {
        for (name, membership) in publication {
            let isWhole = copied[name] == membership
            let isPending = plan.pending.contains(name)
            if isPending == isWhole { violations.append("\(name) whole and pending: \(isWhole)") }
            if isPending == (plan.ready[name] != nil) { violations.append("\(name) twice or lost") }
        }
        for name in plan.ready.keys where publication[name] == nil {
            violations.append("\(name) is ready and not published")
        }
        if Set(plan.removed) != Set(rows.keys).subtracting(publication.keys) {
            violations.append("removed \(plan.removed)")
        }
    }
}
