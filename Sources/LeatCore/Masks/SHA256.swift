/// The hash function of FIPS 180-4, as far as ``MaskKey`` needs it: its compression of one block, so
/// that what a key has in common for all values is computed once.
///
/// By itself, for a library of cryptography in its place would be most of what there is to build
/// ([why](../../../Docs/decisions/0013-masks-hash-by-themselves.md)). It takes no branch and reads no
/// table by what is hashed.
struct SHA256 {
    typealias State = SIMD8<UInt32>

    static let blockBytes = 64
    static let initial = State(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19)

    /// The hash of `bytes` that follow `before` bytes, a whole number of blocks, that led to `state`.
    static func hash(
        _ bytes: UnsafeRawBufferPointer, after state: State = initial, of before: Int = 0
    ) -> State {
        var state = state
        var offset = 0
        while bytes.count - offset >= blockBytes {
            compress(
                UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + blockBytes]), into: &state)
            offset += blockBytes
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        return finish(rest, after: state, bits: UInt64(before + bytes.count) << 3)
    }

    /// What is left, the bit behind it, and the length.
    private static func finish(
        _ rest: UnsafeRawBufferPointer, after state: State, bits: UInt64
    ) -> State {
        var state = state
        let padded = rest.count + 9 <= blockBytes ? blockBytes : 2 * blockBytes
        withUnsafeTemporaryAllocation(byteCount: padded, alignment: 8) { block in
            block.initializeMemory(as: UInt8.self, repeating: 0)
            block.copyMemory(from: rest)
            block[rest.count] = 0x80
            block.storeBytes(of: bits.bigEndian, toByteOffset: padded - 8, as: UInt64.self)
            for start in stride(from: 0, to: padded, by: blockBytes) {
                compress(
                    UnsafeRawBufferPointer(rebasing: block[start..<start + blockBytes]),
                    into: &state)
            }
        }
        return state
    }

    static func compress(_ block: UnsafeRawBufferPointer, into state: inout State) {
        var words = InlineArray<64, UInt32>(repeating: 0)
        for index in 0..<16 {
            words[index] = UInt32(
                bigEndian: block.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
        }
        for index in 16..<64 {
            let (early, late) = (words[index - 15], words[index - 2])
            let first = rotated(early, by: 7) ^ rotated(early, by: 18) ^ early >> 3
            let second = rotated(late, by: 17) ^ rotated(late, by: 19) ^ late >> 10
            words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for index in 0..<64 {
            let high = rotated(e, by: 6) ^ rotated(e, by: 11) ^ rotated(e, by: 25)
            let first = h &+ high &+ (e & f ^ ~e & g) &+ constants[index] &+ words[index]
            let low = rotated(a, by: 2) ^ rotated(a, by: 13) ^ rotated(a, by: 22)
            let second = low &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
        }
        state = state &+ State(a, b, c, d, e, f, g, h)
    }

    @inline(__always)
    private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
        word >> count | word << (32 - count)
    }

    private static let constants: InlineArray<64, UInt32> = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
        0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
        0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
        0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
        0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
        0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
        0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
        0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
        0xc671_78f2,
    ]
}
