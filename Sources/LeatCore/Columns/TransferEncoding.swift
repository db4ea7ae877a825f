/// The encoding in which text travels: `client_encoding` of the sessions on both sides.
///
/// UTF8, into which every server converts from its own and back. There are three exceptions.
/// Nothing is converted from or into SQL_ASCII, so there it is the target's: bytes pass as they
/// are, and a source in SQL_ASCII checks that they are text in that encoding. Between two
/// databases of the same multibyte encoding nothing is converted either: several hundred characters
/// of EUC_JP and thousands of EUC_TW come back from UTF8 as others (tried with PostgreSQL 15).
/// Single-byte encodings come back as they were, or not at all, aloud.
///
/// Names have to be UTF8 for us; what they are in another encoding is refused at the start.
public enum TransferEncoding {
    public static func between(_ source: String, and target: String) -> String {
        guard source != sqlASCII, target != sqlASCII else { return target }
        return source == target && isMultibyte(source) ? target : "UTF8"
    }

    /// Whether text of one encoding becomes other bytes in the other.
    static func converts(from source: String, to target: String) -> Bool {
        source != target && source != sqlASCII && target != sqlASCII
    }

    static func isMultibyte(_ encoding: String) -> Bool {
        !["LATIN", "WIN", "ISO_8859", "KOI8"].contains { encoding.hasPrefix($0) }
    }

    private static let sqlASCII = "SQL_ASCII"
}
