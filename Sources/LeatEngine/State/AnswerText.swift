internal import Foundation

/// Answers as they stand in `leat.requests`: JSON, with names as `--json` has them.
enum AnswerText {
    static func json(_ answer: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let data = try? encoder.encode(answer) else {
            preconditionFailure("texts and numbers are always JSON")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Nil for what another version has answered.
    static func read<Answer: Decodable>(_ type: Answer.Type, from text: String) -> Answer? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(text.utf8))
    }
}
