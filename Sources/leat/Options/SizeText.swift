import ArgumentParser

/// A size as PostgreSQL writes one in its settings: `512kB`, `64MB`, `10GB`, `2TB`; a bare number
/// is bytes.
struct SizeText: ExpressibleByArgument {
    let bytes: Int

    private static let units: [(suffix: String, shift: Int)] = [
        ("kB", 10), ("MB", 20), ("GB", 30), ("TB", 40), ("B", 0),
    ]

    init?(argument: String) {
        let unit = SizeText.units.first { argument.hasSuffix($0.suffix) }
        let digits = unit.map { String(argument.dropLast($0.suffix.count)) } ?? argument
        guard let number = Int(digits.trimmingPrefix { $0 == " " }), number > 0,
            number <= Int.max >> 41
        else { return nil }
        bytes = number << (unit?.shift ?? 0)
    }
}
