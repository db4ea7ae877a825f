@testable import PGClient
import PGWire
import Testing

@Suite("Rows read by name and type")
struct RecordTests {
    private let record =
        QueryResult(
            columns: ["name", "end_lsn", "number", "oid", "yes", "nothing", "odd"],
            rows: [["leat", "16/B374D848", "-7", "4294967295", "t", nil, "neither"]]
        ).firstRecord

    @Test("values that are there have their type")
    func values() throws {
        let row = try #require(record)

        #expect(try row.text("name") == "leat" && row.optionalText("name") == "leat")
        #expect(try row.lsn("end_lsn") == LSN("16/B374D848"))
        #expect(try row.int("number") == -7 && row.id("oid") == .max && row.bool("yes"))
        #expect(try row.optionalDouble("number") == -7)
        #expect(try row.value(of: "name", as: "a name") { $0.count } == 4)
    }

    @Test("NULL is told apart where it has a meaning")
    func nulls() throws {
        let row = try #require(record)

        #expect(try row.optionalText("nothing") == nil && row.optionalLSN("nothing") == nil)
        #expect(try row.optionalInt("nothing") == nil && row.optionalID("nothing") == nil)
        #expect(try row.optionalBool("nothing") == nil)
    }

    @Test("what is NULL, of another type or not there is an error that names the column")
    func refusals() throws {
        let row = try #require(record)
        let readings: [(String, (Record) throws -> Void)] = [
            ("nothing", { _ = try $0.text("nothing") }), ("nothing", { _ = try $0.lsn("nothing") }),
            ("odd", { _ = try $0.lsn("odd") }), ("odd", { _ = try $0.optionalLSN("odd") }),
            ("odd", { _ = try $0.int("odd") }), ("odd", { _ = try $0.bool("odd") }),
            ("number", { _ = try $0.id("number") }),
            ("absent", { _ = try $0.optionalText("absent") }),
            ("absent", { _ = try $0.optionalLSN("absent") }),
        ]

        for (column, read) in readings {
            let error = #expect(throws: ConnectionError.self) { try read(row) }
            #expect(error?.code == .unexpectedAnswer)
            #expect(error?.description.contains("read column \"\(column)\"") == true)
            #expect(error?.description.contains("neither") == false)
        }
        #expect(throws: ConnectionError.self) { try QueryResult().onlyRecord() }
    }

    @Test("one value is read by type, and only where there is one")
    func oneValue() throws {
        let one = { (text: String?) in QueryResult(columns: ["c"], rows: [[text]]) }

        #expect(try one("x").text() == "x" && one("f").bool() == false && one("7").int() == 7)
        #expect(try one("0/7").lsn() == LSN("0/7") && one("7").id() == 7)
        #expect(try one(nil).optionalText() == nil && one(nil).optionalLSN() == nil)
        #expect(try QueryResult(columns: ["c"], rows: [["a"], ["b"]]).texts() == ["a", "b"])
        for odd in [
            one(nil), QueryResult(columns: ["c"]),
            QueryResult(columns: ["c"], rows: [["a"], ["b"]]),
            QueryResult(columns: ["c", "d"], rows: [["a", "b"]]),
        ] {
            #expect(throws: ConnectionError.self) { try odd.text() }
            #expect(throws: ConnectionError.self) { try odd.bool() }
        }
        #expect(throws: ConnectionError.self) { try one(nil).texts() }
    }

    @Test("the error says which query, at which server")
    func text() async throws {
        let connection = try await Server.connection()
        let result = try await connection.query(
            "select null::pg_lsn as end_lsn from pg_class limit 1")

        let error = #expect(throws: ConnectionError.self) { try result.onlyRecord().lsn("end_lsn") }

        let text = error?.description ?? ""
        #expect(
            text.hasPrefix("Cannot read column \"end_lsn\" of \"select null::pg_lsn as end_lsn"))
        #expect(text.hasSuffix("it is NULL") && text.contains("host"))
        #expect(error?.peer != nil)
    }
}
