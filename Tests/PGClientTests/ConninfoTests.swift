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
        arguments: [
            "s3cret", "postgres://h:port:s3cret", "dbname=x", "host=h", "",
            "host=h dbname=d replication=database",
        ])
    func refuses(_ text: String) {
        #expect {
            try Conninfo(text)
        } throws: { error in
            (error as? ConnectionError)?.code == .invalidConninfo && !"\(error)".contains("s3cret")
        }
    }

    @Test(
        "every form of libpq is taken",
        arguments: [
            ("host=h dbname=d", "host=h dbname=d"),
            ("host = h  dbname = 'my db'", "host=h dbname=my db"),
            ("host=/var/run/pg dbname=d port=5433", "host=/var/run/pg port=5433 dbname=d"),
            ("hostaddr=127.0.0.1 dbname=d", "hostaddr=127.0.0.1 dbname=d"),
            ("postgres://h/d", "host=h dbname=d"),
            ("postgresql://u:p%40ss@[::1]:5433/d", "host=::1 port=5433 dbname=d user=u"),
            ("postgresql://%2Fvar%2Frun/d?sslmode=require", "host=/var/run dbname=d"),
            ("postgresql:///d?host=h&password=s", "host=h dbname=d"),
            ("postgresql://h1:1,h2:2/d", "host=h1,h2 port=1,2 dbname=d"),
            (#"host=h dbname=d password='a\'b c'"#, "host=h dbname=d"),
            ("host=h dbname=d options='-c geqo=off'", "host=h dbname=d"),
        ])
    func forms(_ text: String, _ redacted: String) throws {
        #expect(try Conninfo(text).redacted == redacted)
    }

    @Test("keywords are there to be read, with their quotes and escapes undone")
    func keywords() throws {
        let conninfo = try Conninfo(#"host=h dbname=d options='-c a=b\'c' password='p\\w'"#)

        #expect(conninfo["options"] == "-c a=b'c")
        #expect(conninfo["password"] == #"p\w"#)
        #expect(conninfo["sslmode"] == nil)
        #expect(try !Conninfo("host=h dbname=d").hasPassword)
    }

    @Test("a service names host and database by itself")
    func acceptsService() throws {
        _ = try Conninfo("service=shop")
    }
}
