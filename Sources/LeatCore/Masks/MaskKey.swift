internal import Crypto
internal import Foundation

/// The key of `hash`: HMAC-SHA-256 (RFC 2104), and a permutation of integers made with it.
public struct MaskKey: Sendable {
    /// An authentication code, as words in the order of its bytes.
    typealias Code = SIMD8<UInt32>

    private let key: SymmetricKey

    /// - Parameter text: As `LEAT_MASK_KEY` has it; its bytes are the key.
    public init(_ text: String) {
        key = SymmetricKey(data: Array(text.utf8))
    }

    /// The authentication code of these bytes.
    func code(of bytes: UnsafeRawBufferPointer) -> Code {
        var hash = HMAC<SHA256>(key: key)
        hash.update(data: bytes)
        return hash.finalize().withUnsafeBytes { code in
            var words = Code()
            for index in words.indices {
                let word = code.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
                words[index] = UInt32(bigEndian: word)
            }
            return words
        }
    }

    /// By which a key is known again; it tells no more of it than a hashed value does.
    public var fingerprint: String {
        let code = Array("key of leat's masks".utf8).withUnsafeBytes { self.code(of: $0) }
        let number = UInt64(code[0]) << 32 | UInt64(code[1])
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    // MARK: Integers

    /// Another number of the same sign, in as many bits: no two become one, so that keys stay unique.
    ///
    /// A Feistel network over all bits, walked until it comes to a number whose sign is free.
    ///
    /// - Parameter bits: 16, 32 or 64.
    func permuted(_ value: Int64, bits: Int) -> Int64 {
        let isNegative = value < 0
        let top = UInt64(1) << UInt64(bits - 1)
        // Below `top`: a number from zero on is itself, -1 is 0, -2 is 1.
        var word = UInt64(bitPattern: isNegative ? ~value : value)
        repeat { word = shuffled(word, bits: bits, isNegative: isNegative) } while word >= top
        let number = Int64(bitPattern: word)
        return isNegative ? ~number : number
    }

    private static let rounds: UInt8 = 8

    private func shuffled(_ word: UInt64, bits: Int, isNegative: Bool) -> UInt64 {
        let half = UInt64(bits / 2)
        let mask = (UInt64(1) << half) - 1
        var (left, right) = (word >> half, word & mask)
        for round in 0..<MaskKey.rounds {
            let mixed = self.round(round, of: right, bits: bits, isNegative: isNegative) & mask
            (left, right) = (right, left ^ mixed)
        }
        return left << half | right
    }

    /// Longer than any integer is as text, and no text: nothing else hashes it.
    private func round(
        _ number: UInt8, of half: UInt64, bits: Int, isNegative: Bool
    ) -> UInt64 {
        var message = SIMD4<UInt64>(repeating: .max)
        message[0] = half.littleEndian
        message[1] = (UInt64(number) | UInt64(bits) << 8 | (isNegative ? 1 << 16 : 0)).littleEndian
        let code = withUnsafeBytes(of: &message) { self.code(of: $0) }
        return UInt64(code[0]) << 32 | UInt64(code[1])
    }
}
