internal import LeatTestSupport
internal import PGWire

/// A stream as a server sent it: lines of LSN, transaction and message, in hexadecimal.
public enum Recording {
    /// - Returns: Payloads; nil if the text is no recording.
    public static func payloads(_ text: String) -> [[UInt8]]? {
        var payloads: [[UInt8]] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let lsn = LSN(String(fields[0])),
                let bytes = bytes(fields[2])
            else { return nil }
            payloads.append(WireEncoder.payload(bytes, at: lsn))
        }
        return payloads
    }

    private static func bytes(_ hex: Substring) -> [UInt8]? {
        let digits = hex.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8((digits[index] ?? 0) << 4 | (digits[index + 1] ?? 0))
        }
    }
}
