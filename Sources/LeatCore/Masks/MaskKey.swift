/// The key of `hash`: HMAC-SHA-256 (RFC 2104), and a permutation of integers made with it.
///
/// The key itself is not kept, only what it has made of the first block.
public struct MaskKey: Sendable {
    private let inner: SHA256.State
    private let outer: SHA256.State

    /// - Parameter text: As `LEAT_MASK_KEY` has it; its bytes are the key.
    public init(_ text: String) {
        var key = Array(text.utf8)
        if key.count > SHA256.blockBytes {
            key = MaskKey.bytes(of: key.withUnsafeBytes { SHA256.hash($0) })
        }
        key += Array(repeating: 0, count: SHA256.blockBytes - key.count)
        inner = MaskKey.state(of: key.map { $0 ^ 0x36 })
        outer = MaskKey.state(of: key.map { $0 ^ 0x5C })
    }

    private static func state(of block: [UInt8]) -> SHA256.State {
        var state = SHA256.initial
        block.withUnsafeBytes { SHA256.compress($0, into: &state) }
        return state
    }

    /// The authentication code of these bytes.
    func code(of bytes: UnsafeRawBufferPointer) -> SHA256.State {
        let first = SHA256.hash(bytes, after: inner, of: SHA256.blockBytes)
        let message = MaskKey.bigEndian(first)
        return withUnsafeBytes(of: message) {
            SHA256.hash($0, after: outer, of: SHA256.blockBytes)
        }
    }

    /// By which a key is known again; it tells no more of it than a hashed value does.
    public var fingerprint: String {
        let code = Array("key of leat's masks".utf8).withUnsafeBytes { self.code(of: $0) }
        return MaskKey.bytes(of: code).prefix(8).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    static func bytes(of state: SHA256.State) -> [UInt8] {
        withUnsafeBytes(of: bigEndian(state)) { Array($0) }
    }

    private static func bigEndian(_ state: SHA256.State) -> SHA256.State {
        var state = state
        for index in 0..<8 { state[index] = state[index].bigEndian }
        return state
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

    /// One block that nothing else hashes: a message of one block has a length at its end.
    private func round(
        _ number: UInt8, of half: UInt64, bits: Int, isNegative: Bool
    ) -> UInt64 {
        var state = inner
        var block = SIMD8<UInt64>(repeating: .max)
        block[0] = half
        block[1] = UInt64(number) | UInt64(bits) << 8 | (isNegative ? 1 << 16 : 0)
        withUnsafeBytes(of: &block) { SHA256.compress($0, into: &state) }
        return UInt64(state[0]) << 32 | UInt64(state[1])
    }
}
