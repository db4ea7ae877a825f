import LeatCore
import PGWire
import Testing

/// A table of both sides whose columns all are `text`, with the target's numbers as they are in
/// the list and the source's ten higher.
private struct Columns {
    var known = KnownColumns()
    var target: TargetTable
    var source: [SourceColumn]

    init(_ names: String...) {
        target = TargetTable(
            name: TableName(schema: "shop", name: "item"), kind: .ordinary, columns: [],
            uniqueIndexes: [])
        source = []
        for (index, name) in names.enumerated() {
            add(name, index + 1)
            source.append(SourceColumn(number: index + 11, name: name, typeOID: 25))
        }
        known.learn(source, on: target)
    }

    mutating func add(_ name: String, _ number: Int) {
        var column = TargetTable.Column.plain(name, "text")
        column.number = number
        target.columns.append(column)
    }

    mutating func renameOnSource(_ from: String, _ to: String) {
        for index in source.indices where source[index].name == from { source[index].name = to }
    }

    mutating func renameOnTarget(_ from: String, _ to: String) {
        for index in target.columns.indices where target.columns[index].name == from {
            target.columns[index].name = to
        }
    }

    /// By which its columns are renamed on the way.
    var route = TableRoute(TableName(schema: "shop", name: "item"))

    /// Learns the columns anew, by a rule.
    mutating func bring(_ source: String, to target: String) {
        route.renamed.append(.init(source: source, target: target))
        renameOnTarget(source, target)
        known = KnownColumns()
        known.learn(self.source, on: self.target, by: route)
    }

    func routes(_ names: String...) -> ColumnRoutes {
        let relation = Relation(
            id: RelationID(rawValue: 1), schema: "shop", name: "item", replicaIdentity: .default,
            columns: names.map { RelationColumn(isKey: $0 == "id", name: $0, typeOID: 25) })
        return ColumnRoutes(
            relation, source: source, known: known, target: target,
            sighting: .init(dropped: [:]), route: route)
    }
}

@Suite("Renamed columns")
struct ColumnRoutesTests {
    private static let table = #"alter table "shop"."item""#

    @Test("a column that a rule renames stays where it is, whatever the source calls it since")
    func byRule() {
        var columns = Columns("id", "v", "n")
        columns.bring("v", to: "w")
        #expect(columns.routes("id", "v", "n").names == ["id", "w", "n"])
        #expect(columns.known[12] == KnownColumns.Column(targetNumber: 2, name: "v"))

        columns.renameOnSource("v", "u")
        let after = columns.routes("id", "u", "n")
        #expect(after.names == ["id", "w", "n"] && after.problems.isEmpty)
        #expect(columns.routes("id", "v", "n").names == ["id", "w", "n"])
        columns.known.learn(after, on: columns.target)
        #expect(columns.known[12]?.name == "u")
        #expect(columns.routes("id", "u", "n").names == ["id", "w", "n"])
    }

    @Test("a rule that has come since is owed on the target")
    func newRule() {
        var columns = Columns("id", "v")
        columns.route.renamed = [.init(source: "v", target: "w")]

        let owed = columns.routes("id", "v")
        #expect(owed.problems == ["column v is to be called w, by --rename"])
        #expect(owed.mends == [#"\#(Self.table) rename column "v" to "w";"#])
        columns.renameOnTarget("v", "w")
        #expect(columns.routes("id", "v").problems.isEmpty)
    }

    @Test("two columns that would go to one are refused; two that swap their names are not")
    func crowded() {
        var columns = Columns("id", "v", "w")
        columns.route.renamed = [.init(source: "v", target: "w")]
        #expect(
            columns.routes("id", "v", "w").problems.contains(
                "columns v and w would both go to column w"))

        var swapped = Columns("id", "v", "w")
        swapped.known = KnownColumns()
        swapped.route.renamed = [
            .init(source: "v", target: "w"), .init(source: "w", target: "v"),
        ]
        #expect(swapped.routes("id", "v", "w").names == ["id", "w", "v"])
        #expect(swapped.routes("id", "v", "w").problems.isEmpty)
    }

    @Test("a column renamed on the source is owed on the target; before it, nothing is")
    func renamed() {
        var columns = Columns("id", "v")
        columns.renameOnSource("v", "w")

        #expect(columns.routes("id", "v").problems.isEmpty)
        #expect(columns.routes("id", "w").problems == ["column v is called w on the source"])
        #expect(
            columns.routes("id", "w").mends == [#"\#(Self.table) rename column "v" to "w";"#])
    }

    @Test("once it is renamed there too, older changes go to it under its new name")
    func renamedOnBoth() {
        var columns = Columns("id", "v")
        columns.renameOnSource("v", "w")
        columns.renameOnTarget("v", "w")

        #expect(columns.routes("id", "v").names == ["id", "w"])
        #expect(columns.routes("id", "w").names == ["id", "w"])
        #expect(columns.routes("id", "v").problems.isEmpty)
    }

    @Test("columns that swap their names are told apart by their order, with a way in three steps")
    func swapped() {
        var columns = Columns("id", "a", "b")
        columns.renameOnSource("a", "tmp")
        columns.renameOnSource("b", "a")
        columns.renameOnSource("tmp", "b")

        #expect(columns.routes("id", "a", "b").problems.isEmpty)
        #expect(
            columns.routes("id", "b", "a").mends == [
                #"\#(Self.table) rename column "a" to "leat_renamed_1";"#,
                #"\#(Self.table) rename column "b" to "a";"#,
                #"\#(Self.table) rename column "leat_renamed_1" to "b";"#,
            ])
    }

    @Test("a column that takes the name of a dropped one is not the dropped one")
    func replaced() {
        var columns = Columns("id", "a", "b")
        columns.source.remove(at: 1)
        columns.renameOnSource("b", "a")

        #expect(
            columns.routes("id", "a").mends == [
                #"\#(Self.table) rename column "a" to leat_dropped_2;"#,
                #"\#(Self.table) rename column "b" to "a";"#,
            ])
        columns.renameOnTarget("a", "leat_dropped_2")
        columns.renameOnTarget("b", "a")
        #expect(columns.routes("id", "a", "b").names == ["id", "leat_dropped_2", "a"])
        #expect(columns.routes("id", "a").names == ["id", "a"])
    }

    @Test("between two renames the column is found by what is left")
    func between() {
        var columns = Columns("id", "v", "other")
        columns.renameOnSource("v", "x")

        #expect(
            columns.routes("id", "w", "other").problems == ["column v is called w on the source"])
    }

    @Test("so is one beside which another is dropped and made again later")
    func betweenOthers() {
        var columns = Columns("id", "a", "n", "b", "c")
        columns.renameOnSource("b", "x")
        columns.source.remove(at: 1)
        columns.source.append(SourceColumn(number: 16, name: "a", typeOID: 25))

        let routes = columns.routes("id", "a", "n", "x", "c")

        #expect(routes.numbers == [11, 12, 13, 14, 15])
        #expect(routes.problems == ["column b is called x on the source"])
    }

    @Test("one that was made again is told from the old one by its place, until others are too")
    func betweenRemade() {
        var columns = Columns("id", "a", "b", "c", "d")
        for (name, number) in [("b", 16), ("c", 17)] {
            columns.source.removeAll { $0.name == name }
            columns.source.append(SourceColumn(number: number, name: name, typeOID: 25))
        }

        let between = columns.routes("id", "a", "c", "d", "b")

        #expect(between.numbers == [11, 12, 14, 15, 16])
        #expect(columns.routes("id", "a", "b", "c", "d").numbers == [11, 12, 13, 14, 15])
        #expect(columns.routes("id", "a", "d", "b", "c").numbers == [11, 12, 15, 16, 17])
    }

    @Test("the last one that was made again may be either, also if another was renamed since")
    func remadeLast() {
        var columns = Columns("id", "a", "b")
        columns.renameOnSource("a", "x")
        columns.source[2].number = 16

        #expect(columns.routes("id", "a", "b").ambiguous == ["b"])
        #expect(columns.routes("id", "x", "b").numbers == [11, 12, 16])
    }

    @Test("a new column goes by its name, and is known from then on")
    func added() {
        var columns = Columns("id")
        columns.source.append(SourceColumn(number: 15, name: "x", typeOID: 25))
        columns.add("x", 8)

        let routes = columns.routes("id", "x")
        columns.known.learn(routes, on: columns.target)

        #expect(routes.names == ["id", "x"] && routes.problems.isEmpty)
        #expect(columns.known[15] == KnownColumns.Column(targetNumber: 8, name: "x"))
        #expect(KnownColumns(texts: columns.known.texts) == columns.known)
    }

    @Test("names with spaces come back from what is stored")
    func stored() {
        var known = KnownColumns()
        known.learn(3, as: .init(targetNumber: 4, name: " a  \"b\" "))
        known.learn(5, as: .init(targetNumber: 1, name: ""))

        #expect(KnownColumns(texts: known.texts) == known)
    }

    /// The source's `v` was dropped and made again, by transaction 900.
    private func remade(_ columns: inout Columns) {
        columns.source[1].number = 22
        columns.source[1].version = 900
    }

    private func routes(
        _ columns: Columns, redescribedBy xid: UInt32? = nil
    ) -> ColumnRoutes {
        let relation = Relation(
            id: RelationID(rawValue: 1), schema: "shop", name: "item", replicaIdentity: .default,
            columns: ["id", "v"].map { RelationColumn(isKey: $0 == "id", name: $0, typeOID: 25) })
        return ColumnRoutes(
            relation, source: columns.source, known: columns.known, target: columns.target,
            sighting: .init(redescribedBy: xid.map(TransactionID.init(rawValue:))))
    }

    @Test("a column made again under its name: only a later transaction tells it from the old one")
    func madeAgain() {
        var columns = Columns("id", "v")
        remade(&columns)

        #expect(routes(columns).ambiguous == ["v"])
        #expect(routes(columns, redescribedBy: 899).ambiguous == ["v"])
        #expect(routes(columns, redescribedBy: 901).numbers == [11, 22])
        #expect(routes(columns, redescribedBy: 901).ambiguous.isEmpty)
    }

    @Test("once the target has followed, the old one's values go nowhere, the new one's to the new")
    func madeAgainOnBoth() {
        var columns = Columns("id", "v")
        columns.target.columns[1].number = 7
        #expect(routes(columns).leavesOut(1))
        #expect(routes(columns).leftOutColumns == [12: "v"])

        remade(&columns)
        let after = routes(columns, redescribedBy: 901)

        #expect(!after.leavesOut(1))
        columns.known.learn(after, on: columns.target)
        #expect(columns.known[22] == .init(targetNumber: 7, name: "v"))
        #expect(columns.known[12]?.isGone == true)
        #expect(KnownColumns(texts: columns.known.texts) == columns.known)
        #expect(routes(columns).ambiguous.isEmpty)
    }

    @Test("a column that takes the name of one that both sides have dropped has no rival")
    func takesADroppedName() {
        var columns = Columns("id", "a", "b")
        columns.source.remove(at: 1)
        columns.renameOnSource("b", "a")
        columns.target.columns.remove(at: 1)
        columns.renameOnTarget("b", "a")

        let older = columns.routes("id", "a", "b")

        #expect(older.leavesOut(1))
        #expect(older.names == ["id", "a", "a"])
        #expect(!older.leavesOut(2))
    }

    @Test(
        "what is no stored column is not left out",
        arguments: ["1 x id", "1", "", "-9223372036854775808 1 id", "9223372036854775808 1 id"])
    func unreadable(_ text: String) {
        #expect(KnownColumns(texts: ["2 2 name", text]) == nil)
    }

    @Test(
        "names that were swapped between are told by the order of all columns, whatever came then")
    func swappedBetween() {
        var columns = Columns("id", "v", "f", "d", "z")
        columns.source.remove(at: 1)
        columns.renameOnSource("z", "v")
        columns.renameOnSource("f", "z")

        let routes = columns.routes("id", "v", "z", "d", "f")

        #expect(routes.numbers == [11, 12, 13, 14, 15])
        #expect(routes.ambiguous.isEmpty)
    }

    @Test("columns that came and went leave the others their numbers")
    func cameAndWent() {
        var columns = Columns("id", "v", "w")
        columns.source.remove(at: 1)

        let routes = columns.routes("id", "w", "x", "y")

        #expect(routes.numbers == [11, 13, nil, nil] && routes.ambiguous.isEmpty)
        // One has the name of a column that is another one for sure.
        #expect(columns.routes("id", "x", "y", "w", "v").ambiguous.contains("v"))
    }

    @Test("of a table that is gone, columns that were made since have no numbers: names are enough")
    func goneTable() {
        var columns = Columns("id", "z", "p", "w")
        columns.source = []

        let routes = columns.routes("id", "p", "w", "z")

        #expect(routes.names == ["id", "p", "w", "z"])
        #expect(routes.problems.isEmpty && routes.ambiguous.isEmpty)
    }

    /// The source's `v` was dropped by transaction 900, and `w` made then.
    private func rival(changedBy xid: UInt32?, _ name: String = "w", dropped: Int = 12) -> [String]
    {
        var columns = Columns("id", "v")
        columns.source[1] = SourceColumn(number: 13, name: "w", typeOID: 25, version: 905)
        if dropped == 13 { columns.source[1].number = 14 }
        let relation = Relation(
            id: RelationID(rawValue: 1), schema: "shop", name: "item", replicaIdentity: .default,
            columns: ["id", name].map { RelationColumn(isKey: $0 == "id", name: $0, typeOID: 25) })
        let sighting = ColumnRoutes.Sighting(
            changedBy: xid.map(TransactionID.init(rawValue:)), dropped: [dropped: 900])
        return ColumnRoutes(
            relation, source: columns.source, known: columns.known, target: columns.target,
            sighting: sighting
        ).ambiguous
    }

    @Test("a new column may be a dropped one that was renamed, until a later transaction")
    func renamedAndDropped() {
        #expect(rival(changedBy: 899) == ["w"])
        #expect(rival(changedBy: nil) == ["w"])
        #expect(rival(changedBy: 901) == [])
        // One that came and went between.
        #expect(rival(changedBy: 899, dropped: 13) == ["w"])
    }

    @Test("a dropped column may be a new one that was renamed, from a later transaction on")
    func madeAndRenamed() {
        #expect(rival(changedBy: 899, "v") == [])
        #expect(rival(changedBy: 901, "v") == ["v"])
    }
}
