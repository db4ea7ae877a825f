/// The words and marks of a Swift source, comments and texts left out.
///
/// No parser: it follows quotes. What is put into a text is left out with it.
struct SourceTokens: Sequence, IteratorProtocol {
    enum Token: Equatable {
        case word(String)
        case mark(Unicode.Scalar)
    }

    private var rest: ArraySlice<UInt8>

    init(_ source: String) { rest = Array(source.utf8)[...] }

    mutating func next() -> Token? {
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "/") where rest.starts(with: "//".utf8):
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "\""):
                skipText()
            case _ where Self.isOfWord(byte):
                let word = rest.prefix(while: Self.isOfWord)
                rest = rest[word.endIndex...]
                return .word(String(decoding: word, as: UTF8.self))
            case UInt8(ascii: " "), UInt8(ascii: "\n"):
                rest.removeFirst()
            default:
                rest.removeFirst()
                return .mark(Unicode.Scalar(byte))
            }
        }
        return nil
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private mutating func skipText() {
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
