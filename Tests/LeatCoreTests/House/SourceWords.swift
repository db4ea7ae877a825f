/// Which types a Swift source declares at its top, and which it names.
struct SourceWords {
    private(set) var declared: Set<String> = []
    private(set) var named: Set<String> = []

    private static let keywords: Set = [
        "struct", "class", "enum", "actor", "protocol", "typealias",
    ]

    private var depth = 0
    private var last = ""

    init(_ source: String) {
        for token in SourceTokens(source) {
            switch token {
            case .word(let word): take(word)
            case .mark("{"): depth += 1
            case .mark("}"): depth -= 1
            case .mark: break
            }
        }
    }

    private mutating func take(_ word: String) {
        if depth == 0, Self.keywords.contains(last) { declared.insert(word) }
        if word.first?.isUppercase == true { named.insert(word) }
        last = word
    }
}
