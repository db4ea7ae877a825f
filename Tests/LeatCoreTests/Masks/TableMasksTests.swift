@testable import LeatCore
import PGWire
import Testing

private let types = TypeCatalog(
    [(25, "text"), (1042, "bpchar"), (2950, "uuid"), (21, "int2"), (23, "int4"), (20, "int8")].map {
        CatalogType(oid: $0.0, schema: "pg_catalog", name: $0.1, kind: .base, category: "S")
    })

@Suite("A table's row function")
struct TableMasksTests {
    private static let key = MaskKey("k")
    private static let table = TableName(schema: "public", name: "users")

    private func columns(_ names: [(Int, String)], type: UInt32 = 25) -> [SourceColumn] {
        names.map { SourceColumn(number: $0.0, name: $0.1, typeOID: type) }
    }

    private func relation(_ names: [String], type: UInt32 = 25) -> Relation {
        Relation(
            id: RelationID(rawValue: 5), schema: "public", name: "users", replicaIdentity: .default,
            columns: names.map { RelationColumn(isKey: false, name: $0, typeOID: type) })
    }

    private func masks(
        _ texts: [String], now: [(Int, String)], known: [String] = [], type: UInt32 = 25
    ) throws -> TableMasks {
        TableMasks(
            Self.table, masks: try #require(StoredMasks(texts: texts)), key: Self.key, types: types,
            now: columns(now, type: type), known: try #require(KnownColumns(texts: known)))
    }

    /// Nil for NULL, "-" for what was not sent.
    private func masked(
        _ rows: RowMasks, _ values: [String?], kind: Column.Kind = .text
    ) throws -> [String?] {
        var (columns, bytes): ([Column], [UInt8]) = ([], Array("before".utf8))
        for value in values {
            let isValue = value != nil && value != "-"
            columns.append(
                Column(
                    kind: value == nil ? .null : isValue ? kind : .unchangedTOAST,
                    offset: isValue ? UInt32(bytes.count) : 0,
                    length: isValue ? UInt32(value?.utf8.count ?? 0) : 0))
            if isValue { bytes += Array((value ?? "").utf8) + [0] }
        }
        try rows.mask(0..<columns.count, in: &columns, arena: &bytes)
        return columns.map { column in
            switch column.kind {
            case .null: return nil
            case .unchangedTOAST: return "-"
            case .text, .binary:
                #expect(bytes[column.range.upperBound] == 0)
                return String(decoding: bytes[column.range], as: UTF8.self)
            }
        }
    }

    @Test("masks values; NULL stays NULL, and what was not sent stays unsent")
    func values() throws {
        let rows = try #require(
            try masks(
                ["1 null", "2 text:ü", "4 text:"], now: [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
            )
            .rows(of: relation(["a", "b", "c", "d"])))

        #expect(try masked(rows, ["x", "y", "z", "w"]) == [nil, "ü", "z", ""])
        #expect(try masked(rows, [nil, nil, nil, nil]) == [nil, nil, nil, nil])
        #expect(try masked(rows, ["-", "-", "-", "-"]) == ["-", "-", "-", "-"])
        #expect(throws: RowMasks.Unreadable.self) {
            try masked(rows, ["x", "y", "z", "w"], kind: .binary)
        }
        #expect(throws: RowMasks.Unreadable.self) { try masked(rows, ["x"]) }
    }

    @Test("hashes are of the type's form, and equal for equal values")
    func hashes() throws {
        func hash(_ value: String, type: UInt32, form: String) throws -> String? {
            let rows = try #require(
                try masks(["1 hash:\(form):\(Self.key.fingerprint)"], now: [(1, "a")], type: type)
                    .rows(of: relation(["a"], type: type)))
            return try masked(rows, [value])[0]
        }
        let text = try #require(try hash("a@b", type: 25, form: "text"))
        #expect(text == "2307c9d8a720b996aee3b10119d6e349fc29c231016c75073ca7ce4ebbca7161")
        #expect(try hash("a@b", type: 25, form: "text") == text)
        #expect(try hash("a@b ", type: 25, form: "text") != text)
        #expect(try hash("a@b  ", type: 1042, form: "char") == text)
        #expect(try hash("", type: 25, form: "text")?.count == 64)

        let uuid = try #require(
            try hash("0b0e8a4e-1c83-4d2b-8f4c-0a7a2f8a2d11", type: 2950, form: "uuid"))
        #expect(
            uuid.wholeMatch(
                of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)

        let number = try #require(try hash("5", type: 23, form: "int4"))
        #expect(Int32(number).map { $0 >= 0 && $0 != 5 } == true)
        #expect(try hash("-5", type: 20, form: "int8").flatMap(Int64.init).map { $0 < 0 } == true)
        for (value, type, form) in [
            ("3000000000", UInt32(23), "int4"), ("x", 23, "int4"), ("40000", 21, "int2"),
        ] {
            #expect(throws: RowMasks.Unreadable.self) { try hash(value, type: type, form: form) }
        }
    }

    @Test("a hash by another key, or of another type than it was made for, is not guessed at")
    func others() throws {
        let fingerprint = Self.key.fingerprint
        let relation = relation(["a"], type: 23)
        #expect(try masks(["1 hash:int4:00"], now: [(1, "a")], type: 23).rows(of: relation) == nil)
        #expect(
            try masks(["1 hash:int8:\(fingerprint)"], now: [(1, "a")], type: 23)
                .rows(of: relation) == nil)
        #expect(
            try masks(["1 hash:int4:\(fingerprint)"], now: [(1, "a")], type: 23)
                .rows(of: relation) != nil)
    }

    /// Which columns have the mask of number 3; nil: the description is not known.
    private func places(
        _ names: [String], now: [(Int, String)], known: [String] = [], fresh: [(Int, String)]? = nil
    ) throws -> [Int]? {
        let masks = try masks(["3 text:M"], now: now, known: known)
        return try masks.rows(of: relation(names), now: fresh.map { (columns($0), types) }).map {
            rows in
            let values = try masked(rows, names.map { _ in "v" })
            return values.indices.filter { values[$0] == "M" }
        }
    }

    @Test("columns are found by descriptions that are known, older and younger ones, and no others")
    func shapes() throws {
        let now = [(1, "id"), (2, "a"), (3, "mail")]
        #expect(try places(["id", "a", "mail"], now: now) == [2])
        // One was added since, or was not there yet.
        #expect(try places(["id", "a", "mail", "new"], now: now) == nil)
        #expect(
            try places(["id", "a", "mail", "new"], now: now, fresh: now + [(4, "new")]) == [2])
        #expect(try places(["id", "a"], now: now) == [])
        // Renamed, swapped, dropped and taken over.
        for names in [["id", "a", "post"], ["id", "mail", "a"], ["id", "mail"], ["mail"]] {
            #expect(try places(names, now: now) == nil, "\(names)")
        }
        #expect(
            try places(["id", "a", "post"], now: now, fresh: [(1, "id"), (2, "a"), (3, "post")])
                == [2])
        #expect(
            try places(["id", "mail", "a"], now: now, fresh: [(1, "id"), (2, "mail"), (3, "a")])
                == [2])
        #expect(try places(["id", "a"], now: now, fresh: [(1, "id"), (3, "a")]) == [1])
        #expect(try places(["id", "a"], now: now, fresh: [(1, "id"), (2, "a")]) == [])
        // As both sides have known them, before the source renamed one.
        let known = ["1 1 id", "2 2 a", "3 3 mail"]
        #expect(try places(["id", "a", "mail"], now: [(1, "id"), (3, "a")], known: known) == [2])
        #expect(try places(["id", "a"], now: [(1, "id"), (3, "a")], known: known) == [1])
    }
}
