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

    /// Whether a column with this modifier takes values of another type unchanged.
    static func acceptsAny(_ type: String, _ modifier: Int32) -> Bool {
        switch type {
        case "numeric", "bpchar", "varbit", "interval": modifier < 0
        case "timestamp", "timestamptz", "time", "timetz": modifier < 0 || modifier >= 6
        default: true
        }
    }

    static func holdsAnyText(_ type: String, _ modifier: Int32) -> Bool {
        type == "text" || modifier < 0
    }

    /// The modifier that bounds the text form of a text column, -1 where nothing does.
    static func textLength(_ source: TypeMatch.Side) -> Int32 {
        ["varchar", "bpchar"].contains(source.type.name) ? source.modifier : -1
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
    static func suffix(_ type: String, _ modifier: Int32) -> String {
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
