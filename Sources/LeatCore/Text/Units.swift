/// Numbers for people.
public enum Units {
    public static func count(_ number: Int) -> String {
        number < 10_000
            ? "\(number)"
            : number < 10_000_000 ? "\(number / 1000)k" : "\(number / 1_000_000)M"
    }

    public static func bytes(_ number: UInt64) -> String {
        let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var (scale, index) = (UInt64(1), 0)
        // From 1023.95 on one decimal would show 1024.0.
        while index < names.count - 1, Double(number) / Double(scale) >= 1023.95 {
            scale *= 1024
            index += 1
        }
        return index == 0
            ? "\(number) B" : "\(decimal(Double(number) / Double(scale))) \(names[index])"
    }

    public static func bytes(_ number: Int) -> String {
        number < 0 ? "-\(bytes(UInt64(number.magnitude)))" : bytes(UInt64(number))
    }

    /// The two largest units: `0.4 s`, `59 s`, `12 min 5 s`, `3 h 0 min`, `5 d 2 h`.
    public static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "?" }
        let tenths = Int((max(seconds, 0) * 10).rounded())
        if tenths < 100 { return "\(decimal(Double(tenths) / 10)) s" }
        let whole = Int(seconds.rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }

    /// `7 %`, `0.4 %`, `100 %`.
    public static func percent(_ share: Double) -> String {
        let percent = share * 100
        guard percent.isFinite, abs(percent) < 1e9 else { return "?" }
        if percent > 0, percent < 0.1 { return "<0.1 %" }
        return percent < 9.95 && percent > 0
            ? "\(decimal(percent)) %" : "\(Int(percent.rounded())) %"
    }

    /// With one digit after the point.
    public static func decimal(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
