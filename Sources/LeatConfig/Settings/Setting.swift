/// Something that a command may be told by more than one way: its flag, the environment, a file.
///
/// It knows its name and how its text is read, and no default: that is the value of what it sets.
public struct Setting<Value: Sendable>: Sendable {
    /// As the flag has it, without the dashes: `copy-jobs`.
    public let name: String
    /// What a text must be, for the error: `a number from 1 to 64`.
    public let shape: String
    /// Whether it may be given more than once: the values are then a list.
    let isList: Bool
    let read: @Sendable ([String]) -> Value?
    /// `LEAT_COPY_JOBS`.
    public var variable: String

    /// - Parameter read: Nil for a text that is none.
    public init(
        _ name: String, _ shape: String, read: @escaping @Sendable (_ text: String) -> Value?
    ) {
        self.init(name: name, shape: shape, isList: false) { texts in texts.last.flatMap(read) }
    }

    /// Where the usual variable means something else.
    public func named(inEnvironment variable: String) -> Setting {
        var setting = self
        setting.variable = variable
        return setting
    }
}

extension Setting where Value == [String] {
    /// One that may be given more than once.
    public init(list name: String, _ shape: String) {
        self.init(name: name, shape: shape, isList: true) { $0 }
    }
}

extension Setting {
    fileprivate init(
        name: String, shape: String, isList: Bool, read: @escaping @Sendable ([String]) -> Value?
    ) {
        self.name = name
        self.shape = shape
        self.isList = isList
        self.read = read
        variable = "LEAT_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

extension Setting where Value == Bool {
    /// `on` or `off`, also as PostgreSQL's settings take them otherwise.
    public static func flag(_ name: String) -> Setting {
        Setting(name, "on or off") { text in
            switch text.lowercased() {
            case "on", "true", "yes", "1": true
            case "off", "false", "no", "0": false
            default: nil
            }
        }
    }
}

extension Setting where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of a few words.
    public static func choice(_ name: String) -> Setting {
        let words = Value.allCases.map(\.rawValue)
        let shape = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        return Setting(name, shape) { Value(rawValue: $0) }
    }
}

extension Setting where Value == Duration {
    /// As ``UnitText/duration(_:)`` reads it.
    public static func duration(_ name: String) -> Setting {
        Setting(name, "a duration, such as 500ms, 30s, 5min, 1h or 2d") { UnitText.duration($0) }
    }
}

extension Setting where Value == Int {
    /// A size, as ``UnitText/bytes(_:)`` reads it.
    public static func bytes(_ name: String) -> Setting {
        Setting(name, "a size, such as 512kB, 64MB or 10GB") { UnitText.bytes($0) }
    }

    /// A whole number of a range.
    public static func number(_ name: String, in range: ClosedRange<Int>) -> Setting {
        Setting(name, "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == String {
    /// Any text but the empty one.
    public static func text(_ name: String) -> Setting {
        Setting(name, "a text that is not empty") { $0.isEmpty ? nil : $0 }
    }
}
