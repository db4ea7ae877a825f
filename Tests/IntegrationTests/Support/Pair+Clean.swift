import LeatTestSupport
import PGWire
import Testing

extension Pair.Outcome {
    /// Nothing that went out moves a terminal's cursor, turns its text round, or begins a line of a
    /// log by itself.
    ///
    /// - Parameter values: Whether values of rows may be shown.
    func expectClean(
        _ code: Int32, _ what: String, values: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(exitCode == code, "\(what)\n\(text)", sourceLocation: sourceLocation)
        let odd = text.unicodeScalars.filter { $0 != "\n" && PrintedText.isOdd($0) }
        #expect(
            odd.isEmpty, "\(what): \(odd.map { String($0.value, radix: 16) })\n\(text)",
            sourceLocation: sourceLocation)
        let forged = text.split(separator: "\n").filter { $0.contains("2026-01-01T00") }
            .filter { $0.drop { $0 == " " }.hasPrefix("2026-01-01T00") }
        #expect(forged.isEmpty, "\(what)\n\(text)", sourceLocation: sourceLocation)
        #expect(values || !text.contains("SECRET"), sourceLocation: sourceLocation)
    }
}
