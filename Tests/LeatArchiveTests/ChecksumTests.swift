import CCRC32C
import LeatArchive
import LeatTestSupport
import Testing

@Suite struct ChecksumTests {
    @Test("the check value of CRC-32C, and the 32 bytes of RFC 3720")
    func knownValues() {
        #expect(Checksum.crc32c(Array("123456789".utf8).span.bytes) == 0xE306_9283)
        #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32).span.bytes) == 0x8A91_36AA)
        #expect(Checksum.crc32c([UInt8](repeating: 0xFF, count: 32).span.bytes) == 0x62A8_AB43)
    }

    @Test("with and without the processor's instruction, in one go and in pieces")
    func portable() {
        var generator = SeededGenerator(seed: SeededGenerator.printedSeed())
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
            let cut = Int.random(in: 0...count, using: &generator)
            let whole = Checksum.crc32c(bytes.span.bytes)
            let (first, second) = (Array(bytes[..<cut]), Array(bytes[cut...]))

            #expect(whole == leat_crc32c_portable(0, bytes, count))
            #expect(
                whole
                    == Checksum.crc32c(
                        second.span.bytes, continuing: Checksum.crc32c(first.span.bytes)))
        }
    }
}
