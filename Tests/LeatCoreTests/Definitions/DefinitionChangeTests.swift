import LeatCore
import PGWire
import Testing

@Suite("What a changed definition says of the rows")
struct DefinitionChangeTests {
    private static let id = SourceColumn(number: 1, name: "id", typeOID: 23, version: 750)
    private static let v = SourceColumn(number: 2, name: "v", typeOID: 25, version: 750)
    private static let before = TableDefinition(
        files: [.init(oid: 16389, node: 16389)], columns: [id, v], horizon: 740)

    private static func unlogged(
        _ alteration: DefinitionChange.Alteration = .unknown
    ) -> DefinitionChange.Doubt {
        .unlogged(oid: 16389, changer: nil, hasRows: false, alteration: alteration)
    }

    private func definition(
        node: UInt32 = 16401, isLogged: Bool = true, isEmpty: Bool = false,
        _ change: (inout SourceColumn) -> Void = { _ in }, adding added: SourceColumn? = nil
    ) -> TableDefinition {
        var v = Self.v
        change(&v)
        let file = TableDefinition.File(
            oid: 16389, node: node, isLogged: isLogged, isEmpty: isEmpty)
        return TableDefinition(
            files: [file], columns: [Self.id, v] + [added].compactMap { $0 }, horizon: 800)
    }

    private func change(
        to now: TableDefinition, from earlier: TableDefinition = before,
        mayBeUnlogged: Bool = false
    ) -> DefinitionChange {
        DefinitionChange(
            from: earlier, to: now, sent: ["id", "v", "x"], mayBeUnlogged: { _ in mayBeUnlogged })
    }

    @Test("an ALTER that rewrites under the same type is doubtful, unless an older row is there")
    func rewritten() {
        let change = change(to: definition { $0.version = 758 })

        #expect(
            change.findings == [
                .init(doubt: .rewritten(column: "v"), files: [16389], since: 740)
            ])
    }

    @Test("VACUUM FULL, and an ALTER that rewrites nothing, are not")
    func harmless() {
        #expect(change(to: definition()).findings.isEmpty)
        #expect(change(to: definition(node: 16389) { $0.version = 758 }).findings.isEmpty)
    }

    @Test("a type that changes with the rows is left to the stream, which shows where")
    func retyped() {
        let change = change(
            to: definition {
                $0.version = 758
                $0.typeOID = 1082
            })

        #expect(change.findings.isEmpty)
        #expect(change.retyped == [2])
    }

    @Test("a column that joins a rewritten table is doubtful for good, but for a known value")
    func filled() {
        var x = SourceColumn(
            number: 3, name: "x", typeOID: 23, defaultExpression: "nextval('s')", version: 759)
        let doubt = DefinitionChange.Doubt.filled(column: "x", defaultExpression: "nextval('s')")

        #expect(
            change(to: definition(adding: x)).findings == [
                .init(doubt: doubt, files: [], since: 759)
            ])
        #expect(change(to: definition(node: 16389, adding: x)).findings.isEmpty)
        #expect(change(to: definition(isEmpty: true, adding: x)).findings.isEmpty)
        x.missingValue = "5"
        #expect(change(to: definition(adding: x)).findings.isEmpty)
    }

    @Test("another file of a table that may be unlogged is doubtful, also if it was and is empty")
    func unlogged() {
        let doubt = Self.unlogged()

        #expect(
            change(to: definition(), mayBeUnlogged: true).findings == [
                .init(doubt: doubt, files: [16389], since: 740)
            ])
        let empty = definition(node: 16389, isEmpty: true)
        #expect(
            change(to: definition(isEmpty: true), from: empty, mayBeUnlogged: true).findings
                .map(\.doubt) == [doubt])
        #expect(
            change(to: definition(isLogged: false)).findings.first?.doubt
                == .isUnlogged(oid: 16389))
    }

    @Test("its TOAST table tells whether an ALTER gave it that file")
    func toast() {
        func definition(_ node: UInt32, toast: UInt32) -> TableDefinition {
            let file = TableDefinition.File(oid: 16389, node: node, toast: toast)
            return TableDefinition(files: [file], columns: [Self.id], horizon: 740)
        }
        func alterations(_ before: UInt32, _ now: UInt32) -> [DefinitionChange.Doubt] {
            change(
                to: definition(2, toast: now), from: definition(1, toast: before),
                mayBeUnlogged: true
            ).findings.map(\.doubt)
        }
        #expect(alterations(5, 5) == [Self.unlogged(.none)])
        #expect(alterations(5, 6) == [Self.unlogged(.earlier)])
        #expect(alterations(5, 0) == [Self.unlogged(.earlier)])
        #expect(alterations(0, 0) == [Self.unlogged(.unknown)])
        #expect(alterations(0, 6) == [Self.unlogged(.unknown)])

        let stored = definition(1, toast: 5).texts
        #expect(TableDefinition(texts: stored)?.files[16389]?.toast == 5)
        let earlier = stored.map { $0.replacing("rows 5", with: "rows") }
        #expect(TableDefinition(texts: earlier)?.files[16389]?.toast == 0)
    }

    @Test("so is one that was altered as well; another type hides it, which shows")
    func unloggedAndAltered() {
        let altered = change(to: definition { $0.version = 758 }, mayBeUnlogged: true)
        let retyped = definition {
            $0.typeOID = 1082; $0.version = 758
        }

        #expect(
            altered.findings == [
                .init(doubt: .rewritten(column: "v"), files: [16389], since: 740),
                .init(
                    doubt: Self.unlogged(), files: [16389], since: 740),
            ])
        #expect(!altered.hidesUnlogged)
        #expect(change(to: retyped, mayBeUnlogged: true).hidesUnlogged)
        #expect(!change(to: retyped).hidesUnlogged)
    }

    @Test("a definition is stored and read again as it was, whatever is in its texts")
    func texts() {
        var definition = definition(
            {
                $0.name = "a b\n \"c"
                $0.missingValue = " x\n y "
                $0.defaultExpression = "'it''s'::text"
                $0.generation = .stored
            }, adding: SourceColumn(number: 9, name: "", typeOID: 1, typeModifier: 4))
        definition.agree(
            on: TargetTable(
                name: TableName(schema: "s", name: "t"), kind: .ordinary,
                columns: [.plain("id", "int8")], uniqueIndexes: []), KnownColumns())

        #expect(TableDefinition(texts: definition.texts) == definition)
        #expect(TableDefinition(texts: []) == nil)
        #expect(TableDefinition(texts: ["file 1"]) == nil)
        #expect(TableDefinition(texts: ["later 1 2 3"]) == nil)
    }

    @Test("what a rewrite forgets of a column's old rows is remembered")
    func missingValues() {
        let x = SourceColumn(
            number: 3, name: "x", typeOID: 23, missingValue: "5", version: 759)
        var known = KnownDefinitions(Self.before)
        let first = known.look(definition(node: 16389, adding: x), at: 100)
        #expect(first)
        #expect(!known.isReached(by: 99))
        #expect(known.isReached(by: 100))

        var forgotten = x
        forgotten.missingValue = nil
        let second = known.look(definition(adding: forgotten), at: 200)
        #expect(second)

        #expect(known.seen[3]?.missingValue == "5")
        #expect(known.base == Self.before)
        #expect(known.seenLSN == 200)
    }
}
