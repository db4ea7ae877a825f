internal import PGWire

/// The mask of one column: what becomes of the text of a value.
struct ColumnMask: Sendable {
    private enum Form: Sendable {
        case null
        case text([UInt8])
        case hash(HashForm, MaskKey)
    }

    private let form: Form

    /// Nil for a hash that was made with another key, or in another form than the type takes.
    ///
    /// - Parameter type: The source's, below its domain; nil if it is not known.
    init?(_ mask: StoredMask, of type: CatalogType?, key: MaskKey?) {
        switch mask.function {
        case .null: form = .null
        case .text(let value): form = .text(Array(value.utf8))
        case .hash:
            guard let key, key.fingerprint == mask.key, let hash = type.flatMap(HashForm.init),
                hash == mask.form
            else { return nil }
            form = .hash(hash, key)
        }
    }

    /// What stands in the column's place. NULL stays NULL, and what was not sent stays unsent.
    ///
    /// - Parameter bytes: Where the value lies; the new one is appended, with a NUL behind it.
    /// - Returns: Nil for a value that is not in the form that the mask reads.
    func masked(_ column: Column, in bytes: inout [UInt8]) -> Column? {
        switch column.kind {
        case .null, .unchangedTOAST: return column
        case .binary: return nil
        case .text: break
        }
        let offset = bytes.count
        switch form {
        case .null: return Column(kind: .null)
        case .text(let value): bytes += value
        case .hash(let form, let key):
            guard form.append(column.range, by: key, to: &bytes) else { return nil }
        }
        bytes.append(0)
        return Column(
            kind: .text, offset: UInt32(offset), length: UInt32(bytes.count - 1 - offset))
    }
}

extension HashForm {
    /// No slice of the arena is held while it grows: that would copy it all for each value.
    ///
    /// - Returns: False for a value that the type does not have.
    fileprivate func append(
        _ value: Range<Int>, by key: MaskKey, to bytes: inout [UInt8]
    ) -> Bool {
        switch self {
        case .hexadecimal(let isPadded):
            var value = value
            while isPadded, let last = value.last, bytes[last] == UInt8(ascii: " ") {
                value.removeLast()
            }
            let code = HashForm.code(of: value, in: bytes, by: key)
            for index in 0..<8 { HashForm.append(code[index], to: &bytes) }
        case .uuid:
            var code = HashForm.code(of: value, in: bytes, by: key)
            // Version 8, which is whatever somebody makes it of, and the variant of RFC 9562.
            code[1] = code[1] & 0xFFFF_0FFF | 0x8000
            code[2] = code[2] & 0x3FFF_FFFF | 0x8000_0000
            HashForm.appendUUID(code, to: &bytes)
        case .integer(let bits):
            guard let number = Int64(String(decoding: bytes[value], as: UTF8.self)),
                bits == 64 || number >> Int64(bits - 1) == number >> 63
            else { return false }
            bytes += "\(key.permuted(number, bits: bits))".utf8
        }
        return true
    }

    private static func code(
        of value: Range<Int>, in bytes: [UInt8], by key: MaskKey
    ) -> MaskKey.Code {
        bytes.withUnsafeBytes { key.code(of: UnsafeRawBufferPointer(rebasing: $0[value])) }
    }

    private static let digit: [UInt8] = Array("0123456789abcdef".utf8)

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt32(28), through: 0, by: -4) {
            bytes.append(digit[Int(word >> shift & 0xF)])
        }
    }

    private static func appendUUID(_ code: MaskKey.Code, to bytes: inout [UInt8]) {
        let start = bytes.count
        for index in 0..<4 { append(code[index], to: &bytes) }
        for place in [8, 13, 18, 23] { bytes.insert(UInt8(ascii: "-"), at: start + place) }
    }
}
