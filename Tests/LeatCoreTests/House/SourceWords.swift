/// Which types a Swift source declares at its top, and which it names, comments and texts left out.
///
/// No parser: it follows braces and quotes. What is put into a text is left out with it.
struct SourceWords {
    private(set) var declared: Set<String> = []
    private(set) var named: Set<String> = []

    private static let keywords: Set = [
        "struct", "class", "enum", "actor", "protocol", "typealias",
    ]

    private var depth = 0
    private var last = ""

    init(_ source: String) {
        var rest = Array(source.utf8)[...]
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "/") where rest.starts(with: "//".utf8):
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "\""):
                Self.skipText(&rest)
            case UInt8(ascii: "{"), UInt8(ascii: "}"):
                depth += byte == UInt8(ascii: "{") ? 1 : -1
                rest.removeFirst()
            case _ where Self.isOfWord(byte):
                let word = rest.prefix(while: Self.isOfWord)
                rest = rest[word.endIndex...]
                take(String(decoding: word, as: UTF8.self))
            default:
                rest.removeFirst()
            }
        }
    }

    private mutating func take(_ word: String) {
        if depth == 0, Self.keywords.contains(last) { declared.insert(word) }
        if word.first?.isUppercase == true { named.insert(word) }
        last = word
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func skipText(_ rest: inout ArraySlice<UInt8>) {
        let quote = rest.starts(with: #"""""#.utf8) ? 3 : 1
        rest = rest.dropFirst(quote)
        while let byte = rest.first {
            if byte == UInt8(ascii: "\\") {
                rest = rest.dropFirst(2)
            } else if rest.prefix(quote).elementsEqual(
                repeatElement(UInt8(ascii: "\""), count: quote))
            {
                rest = rest.dropFirst(quote)
                return
            } else {
                rest.removeFirst()
            }
        }
    }
}
