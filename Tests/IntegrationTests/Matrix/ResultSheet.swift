/// All results on a line a case: a letter a place and form, and below why something is not `=`.
struct ResultSheet {
    private let lines: [Results.Line: CaseResult]

    init(_ lines: [Results.Line: CaseResult]) {
        self.lines = lines
    }

    private static let legend = """
        = both sides held the same after each phase   r refused as promised   . not run   F FAILED
        Two letters a place: in text form and in binary form. Behind them, why it was not run or refused.
        """

    var text: String {
        let places = Array(Set(lines.keys.map(\.place.versionsText))).sorted()
        let cases = Dictionary(grouping: lines) { "\($0.key.group)/\($0.key.name)" }
        let rows = cases.keys.sorted().map { name in
            ResultSheet.row(name, cases[name] ?? [], places)
        }
        return ResultSheet.legend + "\n\(places.joined(separator: " "))\n"
            + rows.joined(separator: "\n") + "\n"
    }

    private static func row(
        _ name: String, _ results: [(key: Results.Line, value: CaseResult)], _ places: [String]
    ) -> String {
        let marks = places.map { place in
            let here = Place.Form.allCases.map { form in
                results.first { $0.key.place.versionsText == place && $0.key.place.form == form }
                    .map { $0.value.verdict.mark } ?? " "
            }
            return here.joined() + String(repeating: " ", count: place.count - here.count)
        }
        var reasons: [String] = []
        for result in results.map(\.value)
        where result.verdict != .same && !reasons.contains(result.reason) {
            reasons.append(result.reason)
        }
        let why = reasons.sorted().map { $0.prefix(120).replacing("\n", with: " ") }
        return "\(marks.joined(separator: " ")) \(name)"
            + (why.isEmpty ? "" : " [\(why.joined(separator: "; "))]")
    }
}

extension CaseResult.Verdict {
    fileprivate var mark: String {
        switch self {
        case .same: "="
        case .refused: "r"
        case .notRun: "."
        case .failed: "F"
        }
    }
}

extension Place {
    /// Such as `15>18`.
    fileprivate var versionsText: String { "\(source)>\(target)" }
}
