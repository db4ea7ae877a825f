/// Random damage to a message.
public enum Mutation {
    public static func apply(to bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            mutate(&bytes, using: &generator)
        }
        return bytes
    }

    private static func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        let index = Int.random(in: 0...bytes.count, using: &generator)
        guard index < bytes.count else {
            return bytes.append(.random(in: 0 ... .max, using: &generator))
        }
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[index] = .random(in: 0 ... .max, using: &generator)
        case 2:
            bytes[index] =
                ([0, 1, 0x7F, 0x80, 0xFF] as [UInt8]).randomElement(using: &generator) ?? 0
        case 3: bytes.remove(at: index)
        case 4: bytes.insert(bytes[index], at: index)
        default: bytes.removeSubrange(index...)
        }
    }
}
