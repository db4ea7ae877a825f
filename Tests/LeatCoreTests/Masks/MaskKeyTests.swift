@testable import LeatCore
import LeatTestSupport
import Testing

@Suite("The key of masks")
struct MaskKeyTests {
    private func hexadecimal(_ code: MaskKey.Code) -> String {
        code.indices.map { index in
            let digits = String(code[index], radix: 16)
            return String(repeating: "0", count: 8 - digits.utf8.count) + digits
        }.joined()
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
