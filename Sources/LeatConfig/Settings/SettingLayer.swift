internal import LeatCore

/// A place where settings are written down.
public protocol SettingLayer: Sendable {
    /// - Parameter isList: Whether more than one text may stand there.
    /// - Returns: What stands there under this name, and where: `LEAT_COPY_JOBS`, or a line of a
    ///   file. Nil if nothing does.
    func texts(of name: String, variable: String, isList: Bool) -> (texts: [String], place: String)?
}

/// The environment: a setting is `LEAT_` and its name. A list has commas between its parts.
public struct EnvironmentLayer: SettingLayer {
    private let variables: [String: String]

    /// - Parameter variables: By name, as the process has them.
    public init(_ variables: [String: String]) {
        self.variables = variables
    }

    /// What the variable says; one that is empty says nothing.
    public func texts(
        of name: String, variable: String, isList: Bool
    ) -> (texts: [String], place: String)? {
        guard let text = variables[variable], !text.isEmpty else { return nil }
        // A comma more at an end is no part.
        let texts = isList ? TablePattern.texts(in: text).filter { !$0.isEmpty } : [text]
        return (texts, "$\(variable)")
    }
}
