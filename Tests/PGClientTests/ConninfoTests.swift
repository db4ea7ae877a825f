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

    /// Read by libpq's rules, they are another host, port or database.
    @Test(
        "a URI whose password is not escaped is refused, and says how it would be",
        arguments: [
            "postgresql://u:a@SECRET@h/d", "postgresql://u:a/SECRET@h/d",
            "postgresql://u:1/SECRET@h/d",
            "postgresql://u:SECRET/x@h/d", "postgresql://u:SECRET@a@h:1/d?sslmode=require",
            "postgresql://u:p%40SECRET/x@h/d", "postgresql://u:SECRET/a?sslmode=x@h/d",
            "host=h dbname=postgres://u:SECRET@h/d", "host=postgresql://u:SECRET@h dbname=d",
            "host=h port=SECRET dbname=d",
        ])
    func splitPassword(_ text: String) {
        #expect {
            try Conninfo(text)
        } throws: { error in
            (error as? ConnectionError)?.code == .invalidConninfo && !"\(error)".contains("SECRET")
        }
    }

    @Test(
        "a password is in nothing that is printed, whatever is in it",
        arguments: [
            "?", "#", "&", "=", ":", "'", "\"", "\\", " ", "ü", "\u{202E}", "%40", "%2F", "%25",
        ])
    func oddPasswords(_ odd: String) throws {
        let conninfo = try Conninfo("postgresql://u:SECRET\(odd)SECRET@h:1/d")

        #expect(conninfo.redacted == "host=h port=1 dbname=d user=u")
        #expect(conninfo.printable == "dbname=d host=h port=1 user=u")
    }

    @Test("every secret is left out of what is printed, and can be handed over in a service file")
    func secrets() throws {
        let conninfo = try Conninfo("host=h dbname=d password=SECRET sslpassword='SEC RET '")
        let other = try Conninfo("host=h dbname=d sslpassword='SEC RET'")

        #expect(conninfo.printable == "dbname=d host=h" && conninfo.hasSecret)
        #expect(conninfo.secretServiceLines == nil)
        #expect(other.secretServiceLines == ["sslpassword=SEC RET"] && !other.hasPassword)
    }

    @Test("a service names host and database by itself")
    func acceptsService() throws {
        _ = try Conninfo("service=shop")
    }
}
