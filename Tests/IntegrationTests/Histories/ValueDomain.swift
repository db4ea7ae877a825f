/// The values that a column of a history takes: few, so that its changes meet the same rows again
/// and again.
struct ValueDomain: Sendable {
    /// How a value becomes long enough to be stored out of line.
    private enum Content: Sendable {
        case integers(ClosedRange<Int>)
        case listed([String])
        /// Hundreds of bytes up to a few pages, of which most are not in the row itself.
        case wide
    }

    /// As SQL writes it: every literal is cast to it.
    let type: String
    private let content: Content
    /// A value that no row keeps: two rows exchange theirs by way of it.
    let spare: String
    /// Another value for each number `#`, as SQL.
    private let series: String
    /// For a column `t.c`: another value that no other row has, or the same one written otherwise.
    let rewritten: String?

    func literal(using random: inout some RandomNumberGenerator) -> String {
        switch content {
        case .integers(let range):
            return "\(Int.random(in: range, using: &random))::\(type)"
        case .listed(let values):
            return cast(values[Int.random(in: values.indices, using: &random)])
        case .wide:
            let letter = "abcdefgh".randomElement(using: &random) ?? "a"
            let length = [50, 2500, 2500, 9000].randomElement(using: &random) ?? 50
            return "repeat('\(letter)', \(length))"
        }
    }

    /// A value for `i` of a series: as a key each has another one, else a few are there many times.
    func ofSeries(isKey: Bool) -> String {
        "(\(isKey ? series.replacing("#", with: "i") : series.replacing("#", with: "(i % 7)")))::\(type)"
    }

    var null: String { "null::\(type)" }

    private func cast(_ value: String) -> String {
        "'\(value.replacing("'", with: "''"))'::\(type)"
    }

    /// - Parameters:
    ///   - series: As SQL, with `#` for the number.
    ///   - rewritten: As SQL.
    private init(
        _ type: String, _ content: Content, spare: String = "", series: String = "#",
        rewritten: String? = nil
    ) {
        self.type = type
        self.content = content
        self.spare = "'\(spare)'::\(type)"
        self.series = series
        self.rewritten = rewritten
    }

    static func integers(_ range: ClosedRange<Int>, _ type: String = "int4") -> Self {
        Self(type, .integers(range), spare: "-9999", rewritten: "-t.c")
    }

    // MARK: Values that are equal, but not the same

    static let decimals = Self(
        "numeric",
        .listed(["0", "0.0", "1", "1.0", "1.00", "2", "2.000", "-1", "-1.0", "1000", "1e3", "NaN"]),
        spare: "-999", series: "(array[#, # * 1.0, # * 1.00])[1 + # % 3]",
        rewritten: "t.c * 1.0")
    static let floats = Self(
        "float8",
        .listed(["0", "-0", "1", "1.5", "-1", "NaN", "Infinity", "-Infinity", "1e300", "1e-300"]),
        spare: "-999", rewritten: "case when t.c = 0 then -t.c else t.c end")
    static let caseless = Self(
        "citext", .listed(["a", "A", "b", "B", "straße", "STRASSE", "Ü", "ü", "", " "]),
        spare: "~", series: "(array['k', 'K'])[1 + # % 2] || #",
        rewritten:
            "case when t.c::text = upper(t.c::text) then lower(t.c::text) else upper(t.c::text) end"
    )

    // MARK: Values that are equal only if they are the same

    static let texts = Self(
        "text",
        .listed(["", "a", "A", "\\", "\\N", "\\.", "it's", "\t", "a\nb", "ü", "🐘", "NULL", "{}"]),
        spare: "~", series: "E'\\\\.\\t' || #")
    static let words = Self(
        "text", .listed(["one", "two", "three", "four", "five", "six"]), spare: "~",
        series: "'w' || #")
    static let regions = Self(
        "text", .listed(["eu", "us", "asia", "else"]),
        series: "(array['eu', 'us', 'else'])[1 + # % 3]")
    static let booleans = Self("bool", .listed(["true", "false"]), series: "# % 2 = 0")
    static let instants = Self(
        "timestamp",
        .listed(["2000-01-01", "1999-12-31 23:59:59.999999", "infinity", "0044-03-15 BC"]),
        series: "date '2000-01-01' + #")
    static let arrays = Self(
        "int4[]", .listed(["{}", "{1}", "{1,NULL}", "{{1,2},{3,4}}", "[2:3]={1,2}"]),
        series: "array[#, null]")
    static let wideTexts = Self(
        "text", .wide, series: "repeat(chr(97 + # % 26), case # % 5 when 0 then 2500 else 9 end)")

    // MARK: Values without an equality, or with another one than sameness

    static let documents = Self(
        "json", .listed(["{}", "{ }", #"{"a":1}"#, #"{"a": 1}"#, "null", "[1.0]", "[1.00]"]),
        series: "'[ ' || # || ']'")
    static let points = Self(
        "point", .listed(["(0,0)", "(0,-0)", "(1,2)", "(1.0000001,2)"]), series: "point(#, 0)")
}
