/// With which mask a column's values came to the target, as `leat.tables` has it beside them.
public struct StoredMask: Sendable, Hashable {
    public let function: MaskFunction
    /// ``MaskKey/fingerprint`` of a hash.
    let key: String?
    /// Of a hash: other types have others for the same value.
    let form: HashForm?

    init(_ function: MaskFunction, key: String? = nil, form: HashForm? = nil) {
        self.function = function
        self.key = key
        self.form = form
    }

    /// - Parameter text: `null`, `hash:FORM:FINGERPRINT` or `text:VALUE`.
    init?(_ text: String) {
        if text.hasPrefix("hash:") {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, let form = HashForm(named: String(parts[1])) else { return nil }
            self.init(.hash, key: String(parts[2]), form: form)
        } else if text.hasPrefix("text:") {
            self.init(.text(String(text.dropFirst(5))))
        } else {
            guard text == "null" else { return nil }
            self.init(.null)
        }
    }

    var text: String {
        switch function {
        case .null: "null"
        case .hash: "hash:\(form?.name ?? ""):\(key ?? "")"
        case .text(let value): "text:\(value)"
        }
    }

    /// What it is beside another one, for a sentence.
    func words(beside other: StoredMask?) -> String {
        guard let other, function == .hash, other.function == .hash else { return function.text }
        return key == other.key ? "hash of \(form?.name ?? "")" : "hash by another LEAT_MASK_KEY"
    }
}

/// The masks of a table's columns, by the source's numbers.
public struct StoredMasks: Sendable, Equatable {
    public var columns: [Int: StoredMask]

    public init(_ columns: [Int: StoredMask] = [:]) {
        self.columns = columns
    }

    public var isEmpty: Bool { columns.isEmpty }

    /// `NUMBER MASK`, one for each column.
    public var texts: [String] {
        columns.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }
    }

    /// Nil if one of them is none such.
    public init?(texts: [String]) {
        columns = [:]
        for text in texts {
            guard let blank = text.unicodeScalars.firstIndex(of: " "),
                let number = Int(String(text.unicodeScalars[..<blank])),
                let mask = StoredMask(
                    String(text.unicodeScalars[text.unicodeScalars.index(after: blank)...]))
            else { return nil }
            columns[number] = mask
        }
    }
}
