/// The functions that a Swift source declares, and how many parameters of each have no label.
struct SourceFunctions {
    struct Function: Equatable {
        var name: String
        var bare: Int
    }

    private(set) var all: [Function] = []

    private enum Place {
        case outside
        case beforeName
        case beforeParameters(name: String)
        case parameters(of: Function, depth: Int, isAtLabel: Bool)
    }

    private var place = Place.outside

    init(_ source: String) {
        for token in SourceTokens(source) { place = next(token) }
    }

    private mutating func next(_ token: SourceTokens.Token) -> Place {
        switch (place, token) {
        case (.outside, .word("func")): .beforeName
        case (.beforeName, .word(let name)): .beforeParameters(name: name)
        case (.beforeParameters(let name), .mark("(")):
            .parameters(of: Function(name: name, bare: 0), depth: 1, isAtLabel: true)
        case (.beforeParameters, _): place
        case (.parameters(let function, let depth, let isAtLabel), _):
            parameters(token, of: function, depth: depth, isAtLabel: isAtLabel)
        case (.outside, _), (.beforeName, _): .outside
        }
    }

    private mutating func parameters(
        _ token: SourceTokens.Token, of function: Function, depth: Int, isAtLabel: Bool
    ) -> Place {
        var (function, depth, isAtLabel) = (function, depth, isAtLabel)
        switch token {
        case .word(let word):
            if isAtLabel, word == "_" { function.bare += 1 }
            isAtLabel = false
        case .mark("("), .mark("["), .mark("{"): depth += 1
        case .mark(")"), .mark("]"), .mark("}"): depth -= 1
        case .mark(","): isAtLabel = isAtLabel || depth == 1
        case .mark: break
        }
        guard depth > 0 else {
            all.append(function)
            return .outside
        }
        return .parameters(of: function, depth: depth, isAtLabel: isAtLabel)
    }
}
