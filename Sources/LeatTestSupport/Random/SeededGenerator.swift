import Foundation

/// SplitMix64: the same numbers for the same seed, everywhere.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    /// `LEAT_SEED`, or a new one.
    public static var seed: UInt64 {
        ProcessInfo.processInfo.environment["LEAT_SEED"].flatMap { UInt64($0) }
            ?? .random(in: 0 ... .max)
    }

    /// ``seed``, printed together with how to repeat what follows from it.
    public static func printedSeed() -> UInt64 {
        let seed = seed
        print("seed \(seed); set LEAT_SEED to repeat it")
        return seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

extension SeededGenerator {
    /// True once in `count` times.
    public mutating func once(in count: Int) -> Bool {
        Int.random(in: 0..<count, using: &self) == 0
    }
}
