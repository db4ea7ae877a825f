import LeatCore
import Testing

@Suite("Names in a sentence")
struct NameListTests {
    private func names(_ count: Int) -> [String] { (1...count).map { "t\($0)" } }

    @Test("are written out as long as they are few")
    func few() {
        #expect(NameList.text([]) == "")
        #expect(NameList.text(names(3)) == "t1, t2, t3")
        #expect(NameList.text(names(13), separator: "; ").hasSuffix("; t13"))
        #expect(NameList.lines(names(13)) == names(13))
    }

    @Test("are cut when they are many, with their number and where to see all")
    func many() {
        #expect(
            NameList.text(names(850), all: "leat status").hasSuffix(
                "t12 and 838 more (leat status)"))
        #expect(NameList.text(names(14)).hasSuffix("t12 and 2 more"))
        #expect(NameList.lines(names(14)).last == "-- and 2 more like these")
    }
}

@Suite("Commands for a shell")
struct ShellTextTests {
    @Test("words are quoted where a shell would read anything else")
    func words() {
        #expect(
            ShellText.command(["leat", "a b", "it's", "", "host=db", "*", "public.\"T\""])
                == "leat 'a b' 'it'\\''s' '' host=db '*' 'public.\"T\"'")
    }
}
