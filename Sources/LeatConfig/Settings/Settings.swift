public import LeatCore
internal import Synchronization

/// What a command was told: by its flags, then by the layers below them, the first that says anything
/// of a setting. What nobody says stays as it is by default.
///
/// Whoever asks for a setting names the flag's value, if it was given; so nothing is told twice, and
/// each setting knows where its value came from.
public final class Settings: Sendable {
    /// Where a value came from.
    public enum Origin: Sendable, Equatable {
        case flag
        /// As the layer names it.
        case layer(String)
    }

    private let layers: [any SettingLayer]
    private let told = Mutex<[String: Origin]>([:])

    /// - Parameter layers: The strongest first.
    public init(below layers: [any SettingLayer]) {
        self.layers = layers
    }

    /// By name, of those that were asked for and somebody has said.
    public var origins: [String: Origin] { told.withLock { $0 } }

    /// - Parameter flag: As the command line has it; nil: not given.
    /// - Returns: Nil if nobody says anything: the default stands.
    /// - Throws: ``Halt`` (exit code 2) for a text that is no such value.
    public func value<Value>(
        of setting: Setting<Value>, flag: Value?
    ) throws(Halt) -> Value? {
        if let flag {
            note(setting.name, from: .flag)
            return flag
        }
        for layer in layers {
            let found = layer.texts(
                of: setting.name, variable: setting.variable, isList: setting.isList)
            guard let (texts, place) = found else { continue }
            guard let value = setting.read(texts) else {
                throw Halt(
                    .configuration,
                    "\(place) is no value for --\(setting.name): \(NameList.text(texts)).",
                    advice: "It takes \(setting.shape).")
            }
            note(setting.name, from: .layer(place))
            return value
        }
        return nil
    }

    /// Sets `place` to what somebody says; else it stays as it is.
    public func apply<Value>(
        _ setting: Setting<Value>, flag: Value?, to place: inout Value
    ) throws(Halt) {
        if let value = try value(of: setting, flag: flag) { place = value }
    }

    /// The same for what there need not be.
    public func apply<Value>(
        _ setting: Setting<Value>, flag: Value?, to place: inout Value?
    ) throws(Halt) {
        if let value = try value(of: setting, flag: flag) { place = value }
    }

    /// The same for a list, which is not given where it is empty.
    public func list(_ setting: Setting<[String]>, flag: [String]) throws(Halt) -> [String] {
        try value(of: setting, flag: flag.isEmpty ? nil : flag) ?? []
    }

    private func note(_ name: String, from origin: Origin) {
        told.withLock { $0[name] = origin }
    }
}
