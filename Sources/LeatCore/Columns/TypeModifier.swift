/// What the type modifiers (`atttypmod`) of built-in types allow: lengths, precisions, scales.
enum TypeModifier {
    /// Whether a column with modifier `target` holds every value of one with `source` unchanged.
    static func widens(_ type: String, from source: Int32, to target: Int32) -> Bool {
        if target == source || target < 0 { return true }
        switch type {
        case "varchar", "varbit": return source >= 0 && target >= source
        case "numeric": return numericWidens(from: source, to: target)
        // Shorter fractions are rounded by the input function; 6 digits are all there are.
        case "timestamp", "timestamptz", "time", "timetz":
            return target >= 6 || (source >= 0 && target >= source)
        // A blank-padded value of another length is another text; bit(n) is rejected aloud.
        case "bpchar", "interval": return false
        default: return true
        }
    }

    /// A built-in type with its modifier.
    typealias Typed = (name: String, modifier: Int32)

    /// Whether a column takes every value of another type unchanged, as far as the modifiers say.
    static func holds(_ source: Typed, in target: Typed) -> Bool {
        if source.name == "numeric" { return holdsNumeric(source.modifier, in: target.name) }
        guard target.modifier >= 0 else { return true }
        switch target.name {
        case "numeric":
            let (precision, scale) = precisionAndScale(target.modifier)
            return digits[source.name].map { scale >= 0 && precision - scale >= $0 } ?? false
        case "timestamp", "timestamptz", "time":
            return fraction(source) <= target.modifier
        case "varbit": return source.modifier >= 0 && source.modifier <= target.modifier
        case "bpchar", "interval": return false
        default: return true
        }
    }

    /// Digits of the largest value.
    private static let digits: [String: Int32] = ["int2": 5, "int4": 10, "int8": 19, "oid": 10]

    /// Digits behind the point of a second.
    private static func fraction(_ source: Typed) -> Int32 {
        source.name == "date" ? 0 : source.modifier < 0 ? 6 : source.modifier
    }

    /// Whole numbers of fewer digits than an integer type has in any case. It has no NaN, which is
    /// rejected aloud.
    private static func holdsNumeric(_ source: Int32, in type: String) -> Bool {
        guard source >= 4, let most = digits[type] else { return false }
        let (precision, scale) = precisionAndScale(source)
        return scale <= 0 && precision - scale < most
    }

    /// Characters that values of a type without a modifier take at most in their text form.
    static func textLength(of type: String) -> Int32? {
        ["bool": 1, "int2": 6, "int4": 11, "int8": 20, "oid": 10, "uuid": 36][type]
    }

    static func holdsAnyText(_ type: String, modifier: Int32) -> Bool {
        type == "text" || modifier < 0
    }

    /// The modifier of a varchar that bounds the text form of a column, -1 where nothing does.
    static func textLength(_ source: TypeMatch.Side) -> Int32 {
        guard source.type.isBuiltIn else { return -1 }
        if let length = textLength(of: source.type.name) { return length + 4 }
        return ["varchar", "bpchar"].contains(source.type.name) ? source.modifier : -1
    }

    /// `((precision << 16) | (scale & 0x7ff)) + 4`: numeric.c. A scale may be negative.
    private static func numericWidens(from source: Int32, to target: Int32) -> Bool {
        guard source >= 4 else { return false }
        let (sourcePrecision, sourceScale) = precisionAndScale(source)
        let (targetPrecision, targetScale) = precisionAndScale(target)
        return targetScale >= sourceScale
            && targetPrecision - targetScale >= sourcePrecision - sourceScale
    }

    private static func precisionAndScale(_ modifier: Int32) -> (Int32, Int32) {
        let value = modifier - 4
        let scale = value & 0x7ff
        return ((value >> 16) & 0xffff, scale >= 0x400 ? scale - 0x800 : scale)
    }
}

extension TypeModifier {
    /// The modifier as it stands in a column definition, for the types whose meaning is known.
    static func suffix(of type: String, modifier: Int32) -> String {
        guard modifier >= 0 else { return "" }
        switch type {
        case "varchar", "bpchar": return "(\(modifier - 4))"
        case "bit", "varbit", "timestamp", "timestamptz", "time", "timetz": return "(\(modifier))"
        case "numeric":
            let (precision, scale) = precisionAndScale(modifier)
            return "(\(precision),\(scale))"
        default: return ""
        }
    }
}
