import PGClient
import Testing

@Suite("Connection strings")
struct ConninfoTests {
    @Test("a password is nowhere in what is printed")
    func redactsPasswords() throws {
        let conninfo = try Conninfo("postgresql://joe:s3cret@db:5433/shop")

        #expect(!"\(conninfo)".contains("s3cret"))
        #expect(conninfo.redacted == "host=db port=5433 dbname=shop user=joe")
        #expect(conninfo.hasPassword)
    }

    @Test(
        "text that is no connection string, or leaves the server open, is refused",
        arguments: ["s3cret", "postgres://h:port:s3cret", "dbname=x", "host=h", ""])
    func refuses(_ text: String) {
        #expect {
            try Conninfo(text)
        } throws: { error in
            (error as? ConnectionError)?.code == .invalidConninfo && !"\(error)".contains("s3cret")
        }
    }

    @Test("a service names host and database by itself")
    func acceptsService() throws {
        _ = try Conninfo("service=shop")
    }
}
