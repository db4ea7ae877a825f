import LeatCore
import Testing

/// A type with its modifier, by name.
private typealias Typed = (name: String, modifier: Int32)

@Suite("Type match")
struct TypeMatchTests {
    private enum Verdict { case same, castable, incompatible }

    private func verdict(_ match: TypeMatch) -> Verdict {
        switch match {
        case .same: .same
        case .castable: .castable
        case .lacksLabels, .incompatible: .incompatible
        }
    }

    private func match(_ source: Typed, _ target: Typed) throws -> Verdict {
        verdict(
            TypeMatch(
                source: try side(source.name, source.modifier, Types.catalog()),
                target: try side(target.name, target.modifier, Types.catalog())))
    }

    private func side(
        _ name: String, _ modifier: Int32 = -1, _ catalog: TypeCatalog, oid: UInt32? = nil
    ) throws -> TypeMatch.Side {
        .init(
            type: try #require(catalog[oid ?? Types.oid(name)]), modifier: modifier,
            catalog: catalog)
    }

    @Test("every type is the same as itself", arguments: Types.builtIn)
    func itself(_ type: CatalogType) throws {
        #expect(try match((type.name, -1), (type.name, -1)) == .same)
        #expect(try match((type.name, 7), (type.name, 7)) == .same)
        #expect(try match((type.name, 7), (type.name, -1)) == .same)
    }

    @Test(
        "wider types take narrower ones",
        arguments: [
            ("int2", "int4"), ("int2", "int8"), ("int4", "int8"), ("int4", "numeric"),
            ("int8", "numeric"), ("int4", "float8"), ("int2", "float4"), ("float4", "float8"),
            ("bit", "varbit"), ("cidr", "inet"), ("date", "timestamp"),
            ("timestamp", "timestamptz"),
            ("time", "interval"), ("jsonb", "json"), ("json", "text"), ("int4", "text"),
            ("timestamp", "varchar"), ("varchar", "text"), ("text", "varchar"), ("bpchar", "text"),
            ("_int4", "_int8"), ("_varchar", "_text"), ("_int4", "text"), ("int4range", "text"),
        ])
    func castable(_ source: String, _ target: String) throws {
        #expect(try match((source, -1), (target, -1)) == .castable)
    }

    @Test(
        "what could lose something is refused",
        arguments: [
            ("int8", "int4"), ("int4", "int2"), ("numeric", "int8"), ("float8", "float4"),
            ("float8", "numeric"), ("int8", "float8"), ("text", "int4"), ("timestamp", "date"),
            ("timestamptz", "timestamp"), ("json", "jsonb"), ("text", "json"), ("inet", "cidr"),
            ("varchar", "bpchar"), ("text", "bytea"), ("uuid", "bytea"), ("_int8", "_int4"),
            ("_int4", "int4"), ("int4", "_int4"), ("money", "numeric"),
        ])
    func incompatible(_ source: String, _ target: String) throws {
        #expect(try match((source, -1), (target, -1)) == .incompatible)
    }

    @Test(
        "modifiers may widen",
        arguments: [
            ("varchar", Types.length(10), Types.length(20)),
            ("numeric", Types.numeric(10, 2), Types.numeric(12, 2)),
            ("numeric", Types.numeric(10, 2), Types.numeric(12, 4)),
            ("numeric", Types.numeric(5, -2), Types.numeric(7, 0)),
            ("numeric", Types.numeric(2, 4), Types.numeric(4, 4)),
            ("timestamp", 3, 6), ("timestamp", -1, 6), ("time", 0, 3), ("varbit", 8, 16),
            ("_varchar", Types.length(10), Types.length(20)),
            ("_numeric", Types.numeric(10, 2), Types.numeric(12, 2)),
        ])
    func widens(_ type: String, _ source: Int32, _ target: Int32) throws {
        #expect(try match((type, source), (type, target)) == .same)
        #expect(try match((type, source), (type, -1)) == .same)
    }

    @Test(
        "modifiers may not narrow, nor change the padding",
        arguments: [
            ("varchar", Types.length(20), Types.length(10)), ("varchar", -1, Types.length(10)),
            ("numeric", -1, Types.numeric(10, 2)),
            ("numeric", Types.numeric(10, 2), Types.numeric(10, 3)),
            ("numeric", Types.numeric(10, 2), Types.numeric(9, 2)),
            ("numeric", Types.numeric(10, 2), Types.numeric(12, 1)),
            ("numeric", Types.numeric(5, -2), Types.numeric(6, 0)),
            ("timestamp", -1, 3), ("timestamptz", 6, 0), ("time", 3, 0), ("timetz", -1, 5),
            ("bpchar", Types.length(3), Types.length(5)), ("interval", -1, 5),
            ("_varchar", Types.length(20), Types.length(10)),
            ("_numeric", -1, Types.numeric(10, 2)),
        ])
    func narrows(_ type: String, _ source: Int32, _ target: Int32) throws {
        #expect(try match((type, source), (type, target)) == .incompatible)
    }

    @Test(
        "the target's modifier counts also for another type",
        arguments: [
            ("int4", -1, "numeric", Types.numeric(11, 2)),
            ("int4", -1, "varchar", Types.length(10)),
            ("int8", -1, "numeric", Types.numeric(18, 0)),
            ("int2", -1, "numeric", Types.numeric(9, -1)),
            ("numeric", Types.numeric(5, 0), "int2", -1),
            ("numeric", Types.numeric(4, 1), "int8", -1), ("numeric", -1, "int8", -1),
            ("text", -1, "varchar", Types.length(5)), ("timestamp", 6, "timestamptz", 3),
            ("time", -1, "timetz", -1),
            ("bpchar", Types.length(9), "varchar", Types.length(5)), ("bit", 3, "varbit", 2),
        ])
    func modifierOfAnother(_ source: String, _ from: Int32, _ target: String, _ to: Int32) throws {
        #expect(try match((source, from), (target, to)) == .incompatible)
    }

    @Test(
        "a number of digits, a fraction or a length is enough if every value has no more",
        arguments: [
            ("int8", -1, "numeric", Types.numeric(30, 0)),
            ("int8", -1, "numeric", Types.numeric(19, 0)),
            ("int4", -1, "numeric", Types.numeric(12, 2)),
            ("int2", -1, "numeric", Types.numeric(5, 0)),
            ("numeric", Types.numeric(4, 0), "int2", -1),
            ("numeric", Types.numeric(9, 0), "int4", -1),
            ("numeric", Types.numeric(16, -2), "int8", -1), ("date", -1, "timestamp", 0),
            ("timestamp", 3, "timestamptz", 3), ("bit", 3, "varbit", 3),
            ("int4", -1, "varchar", Types.length(11)), ("bool", -1, "varchar", Types.length(1)),
            ("_int4", -1, "_numeric", Types.numeric(10, 0)),
        ])
    func modifierThatHolds(
        _ source: String, _ from: Int32, _ target: String, _ to: Int32
    ) throws {
        #expect(try match((source, from), (target, to)) == .castable)
    }

    @Test(
        "a moment without a zone asks for one, in arrays too",
        arguments: [
            ("timestamp", "timestamptz", true), ("date", "timestamptz", true),
            ("timestamptz", "timestamptz", false), ("date", "timestamp", false),
            ("timestamp", "text", false),
        ])
    func zones(_ source: String, _ target: String, _ asks: Bool) throws {
        let catalog = Types.catalog()

        let answer = TypeMatch.asksForZone(
            source: try side(source, -1, catalog), target: try side(target, -1, catalog))

        #expect(answer == asks)
    }

    @Test("a bounded text fits in a column as long")
    func boundedText() throws {
        #expect(
            try match(("bpchar", Types.length(5)), ("varchar", Types.length(5))) == .castable)
    }

    @Test("a composite type needs the same fields in the same order")
    func composites() throws {
        func type(_ fields: String...) -> CatalogType {
            CatalogType(
                oid: 90, schema: "shop", name: "pair", kind: .composite, category: "C",
                fields: fields.map { .init(definition: $0, typeOID: 0) })
        }
        let source = Types.catalog(type("a integer", "b integer"))
        let swapped = Types.catalog(type("b integer", "a integer"))

        let left = try side("", -1, source, oid: 90)
        guard
            case .incompatible = TypeMatch(source: left, target: try side("", -1, swapped, oid: 90))
        else {
            Issue.record("accepted")
            return
        }
        #expect(TypeMatch(source: left, target: left) == .same)
    }

    @Test("and what those are made of has to be the same as well")
    func nestedComposites() throws {
        func catalog(_ inner: String...) -> TypeCatalog {
            func composite(_ oid: UInt32, _ name: String, _ fields: [CatalogType.Field])
                -> CatalogType
            {
                CatalogType(
                    oid: oid, schema: "shop", name: name, kind: .composite, category: "C",
                    fields: fields)
            }
            return Types.catalog(
                composite(90, "inner", inner.map { .init(definition: $0, typeOID: 23) }),
                composite(91, "outer", [.init(definition: "i shop.inner", typeOID: 90)]),
                Types.array(92, "_outer", of: 91, schema: "shop"))
        }
        let source = catalog("a integer", "b integer")

        for oid in [91, 92] as [UInt32] {
            let left = try side("", -1, source, oid: oid)
            let right = try side("", -1, catalog("b integer", "a integer"), oid: oid)
            #expect(TypeMatch(source: left, target: left) == .same)
            #expect(verdict(TypeMatch(source: left, target: right)) == .incompatible)
        }
    }

    @Test("a range needs the same subtype")
    func ranges() throws {
        func catalog(_ subtype: String) -> TypeCatalog {
            Types.catalog(
                CatalogType(
                    oid: 90, schema: "shop", name: "span", kind: .range, category: "R",
                    inner: Types.oid(subtype)))
        }
        let left = try side("", -1, catalog("float8"), oid: 90)

        #expect(TypeMatch(source: left, target: left) == .same)
        #expect(
            verdict(TypeMatch(source: left, target: try side("", -1, catalog("float4"), oid: 90)))
                == .incompatible)
    }

    @Test(
        "types whose text means something else on another server are refused between those",
        arguments: [
            ("char", 160_000, "UTF8", 140_000, "UTF8", false),
            ("char", 140_000, "UTF8", 160_000, "UTF8", true),
            ("char", 150_000, "LATIN1", 160_000, "UTF8", true),
            ("char", 140_000, "LATIN1", 160_000, "UTF8", false),
            ("char", 140_000, "LATIN1", 160_000, "SQL_ASCII", true),
            ("name", 150_000, "LATIN1", 150_000, "UTF8", false),
            ("name", 150_000, "UTF8", 150_000, "LATIN1", true),
            ("name", 150_000, "UTF8", 150_000, "UTF8", true),
            ("pg_node_tree", 150_000, "UTF8", 150_000, "UTF8", false),
        ])
    func textForms(
        _ name: String, _ from: Int, _ sourceEncoding: String, _ to: Int, _ targetEncoding: String,
        _ isSame: Bool
    ) throws {
        func catalog(_ version: Int, _ encoding: String) -> TypeCatalog {
            TypeCatalog(
                [Types.base(9000, name)], server: .init(version: version, encoding: encoding))
        }
        let match = TypeMatch(
            source: try side("", -1, catalog(from, sourceEncoding), oid: 9000),
            target: try side("", -1, catalog(to, targetEncoding), oid: 9000))

        #expect((match == .same) == isSame)
    }

    @Test("an enum needs all labels of the source, in an array too")
    func enums() throws {
        let source = Types.catalog(
            Types.enumeration(90, "mood", ["sad", "ok", "glad"]),
            Types.array(91, "_mood", of: 90, schema: "shop"))
        let target = Types.catalog(
            Types.enumeration(80, "mood", ["glad", "ok"]),
            Types.array(81, "_mood", of: 80, schema: "shop"))

        for (left, right) in [(90, 80), (91, 81)] as [(UInt32, UInt32)] {
            let sourceSide = try side("", -1, source, oid: left)
            let targetSide = try side("", -1, target, oid: right)
            guard
                case .lacksLabels(let reason) = TypeMatch(source: sourceSide, target: targetSide)
            else {
                Issue.record("accepted")
                return
            }
            #expect(reason.contains("sad") && !reason.contains("glad"))
            #expect(TypeMatch(source: targetSide, target: sourceSide) == .same)
        }
    }

    @Test("a domain counts as what it is made of, with its modifier")
    func domains() throws {
        let catalog = Types.catalog(
            Types.domain(90, "amount", over: 1700, Types.numeric(10, 2)),
            Types.domain(91, "price", over: 90))

        let price = try side("", -1, catalog, oid: 91)
        let wide = try side("numeric", Types.numeric(12, 2), catalog)
        let narrow = try side("numeric", Types.numeric(10, 1), catalog)

        #expect(TypeMatch(source: price, target: price) == .same)
        #expect(TypeMatch(source: price, target: wide) == .castable)
        #expect(verdict(TypeMatch(source: price, target: narrow)) == .incompatible)
        #expect(verdict(TypeMatch(source: wide, target: price)) == .incompatible)
    }

    @Test("a domain of the same name over another type is another, in an array too")
    func domainsOfOneName() throws {
        let source = Types.catalog(
            Types.domain(90, "amount", over: 1700, Types.numeric(10, 2)),
            Types.array(91, "_amount", of: 90, schema: "shop"))
        let target = Types.catalog(
            Types.domain(80, "amount", over: 1700, Types.numeric(10, 0)),
            Types.array(81, "_amount", of: 80, schema: "shop"))

        for (left, right) in [(90, 80), (91, 81)] as [(UInt32, UInt32)] {
            let match = TypeMatch(
                source: try side("", -1, source, oid: left),
                target: try side("", -1, target, oid: right))
            #expect(verdict(match) == .incompatible)
        }
    }

    @Test("a domain that is made of itself ends somewhere")
    func damagedCatalog() throws {
        let catalog = Types.catalog(Types.domain(90, "loop", over: 90))
        let loop = try side("", -1, catalog, oid: 90)

        #expect(TypeMatch(source: loop, target: loop) == .same)
    }

    @Test("types of one name in different schemas are different")
    func schemas() throws {
        let source = Types.catalog(Types.enumeration(90, "bool", ["t"]))

        let match = TypeMatch(
            source: try side("", -1, source, oid: 90),
            target: try side("bool", -1, Types.catalog()))

        #expect(verdict(match) == .incompatible)
    }
}
