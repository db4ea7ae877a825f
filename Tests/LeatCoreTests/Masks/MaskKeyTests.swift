@testable import LeatCore
import LeatTestSupport
import Testing

@Suite("The key of masks")
struct MaskKeyTests {
    private func hexadecimal(_ state: SHA256.State) -> String {
        MaskKey.bytes(of: state).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    @Test(
        "hashes are SHA-256's, whatever is left of a block",
        arguments: [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (3, "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"),
            (55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
            (56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
            (63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"),
            (64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
            (65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"),
            (119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"),
            (120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c"),
            (1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
        ])
    func hash(_ count: Int, _ hash: String) {
        let bytes = Array(repeating: UInt8(ascii: "a"), count: count)
        #expect(bytes.withUnsafeBytes { hexadecimal(SHA256.hash($0)) } == hash)
    }

    @Test(
        "codes are HMAC-SHA-256's (RFC 4231)",
        arguments: [
            (
                String(repeating: "\u{b}", count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                "Jefe", "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                String(repeating: "k", count: 131), String(repeating: "a", count: 200),
                "c4a373c216e645fcb76e69c549600e3f9911f76a3eb984b64e8cbe0e16f85dfe"
            ),
            ("schlüssel", "", "69ab8b9cf00406eeccb2c95ecef962a95db76b7213f920cbacf937ef2bfe1432"),
            (
                String(repeating: "k", count: 64), String(repeating: "x", count: 55),
                "1bbe8dbb4ed99e04310a084f96d34cc82e5c09e8365731f60f97ad32eac6855c"
            ),
            (
                String(repeating: "k", count: 65), String(repeating: "x", count: 56),
                "1ea4efa8c01e19296bd525e50fa4b54b2684024896b51cc762072ce6d9373e4b"
            ),
        ])
    func code(_ key: String, _ message: String, _ code: String) {
        let bytes = Array(message.utf8)
        #expect(bytes.withUnsafeBytes { hexadecimal(MaskKey(key).code(of: $0)) } == code)
    }

    @Test("keys are known again, and told apart")
    func fingerprint() {
        #expect(MaskKey("a").fingerprint == MaskKey("a").fingerprint)
        #expect(MaskKey("a").fingerprint != MaskKey("b").fingerprint)
        #expect(MaskKey("a").fingerprint.utf8.count == 16)
    }

    @Test("no two integers become one, none changes its sign: a part of each type")
    func permutation() {
        let key = MaskKey("secret")
        for bits in [16, 32, 64] {
            let high = Int64.max >> Int64(64 - bits)
            let low = ~high
            // Of 16 bits enough for hashes to meet many times.
            let values = Array(Int64(-1000)...1000) + [low, low + 1, high - 1, high]
            let masked = values.map { key.permuted($0, bits: bits) }
            #expect(Set(masked).count == values.count)
            #expect(zip(values, masked).allSatisfy { ($0 < 0) == ($1 < 0) })
            #expect(masked.allSatisfy { (low...high).contains($0) })
            #expect(masked != values.map { MaskKey("other").permuted($0, bits: bits) })
        }
    }
}
