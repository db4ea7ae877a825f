/// The five characters by which a server names a condition, such as `42501`.
///
/// What Leat decides by is named here; every other one is only printed.
///
/// Source: "PostgreSQL Error Codes" in the PostgreSQL manual.
public struct SQLState: RawRepresentable, Hashable, Sendable {
    /// The five characters as the server gives them.
    public let rawValue: String

    /// Whatever a server says: nothing is checked.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// What a server says that has no finer condition, and where it says none.
    public static let internalError = SQLState(rawValue: "XX000")
    public static let featureNotSupported = SQLState(rawValue: "0A000")
    public static let cardinalityViolation = SQLState(rawValue: "21000")
    public static let characterNotInRepertoire = SQLState(rawValue: "22021")
    public static let invalidParameterValue = SQLState(rawValue: "22023")
    public static let untranslatableCharacter = SQLState(rawValue: "22P05")
    public static let foreignKeyViolation = SQLState(rawValue: "23503")
    public static let uniqueViolation = SQLState(rawValue: "23505")
    public static let checkViolation = SQLState(rawValue: "23514")
    public static let readOnlySQLTransaction = SQLState(rawValue: "25006")
    public static let invalidAuthorizationSpecification = SQLState(rawValue: "28000")
    public static let invalidPassword = SQLState(rawValue: "28P01")
    public static let invalidCatalogName = SQLState(rawValue: "3D000")
    public static let invalidSchemaName = SQLState(rawValue: "3F000")
    public static let serializationFailure = SQLState(rawValue: "40001")
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    public static let insufficientPrivilege = SQLState(rawValue: "42501")
    public static let syntaxError = SQLState(rawValue: "42601")
    public static let undefinedColumn = SQLState(rawValue: "42703")
    public static let undefinedObject = SQLState(rawValue: "42704")
    public static let datatypeMismatch = SQLState(rawValue: "42804")
    public static let generatedAlways = SQLState(rawValue: "428C9")
    public static let undefinedTable = SQLState(rawValue: "42P01")
    public static let withCheckOptionViolation = SQLState(rawValue: "44000")
    public static let outOfMemory = SQLState(rawValue: "53200")
    public static let tooManyConnections = SQLState(rawValue: "53300")
    /// Such as no free replication slot.
    public static let configurationLimitExceeded = SQLState(rawValue: "53400")
    public static let objectNotInPrerequisiteState = SQLState(rawValue: "55000")
    public static let objectInUse = SQLState(rawValue: "55006")
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    public static let queryCanceled = SQLState(rawValue: "57014")
    public static let adminShutdown = SQLState(rawValue: "57P01")
    public static let crashShutdown = SQLState(rawValue: "57P02")
    public static let cannotConnectNow = SQLState(rawValue: "57P03")
}

extension SQLState {
    /// The first two characters: what kind of condition it is.
    public struct Class: RawRepresentable, Hashable, Sendable {
        /// The two characters; fewer where a server gave no whole SQLSTATE.
        public let rawValue: String

        /// Whatever a server says: nothing is checked.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public static let connectionException = Class(rawValue: "08")
        public static let featureNotSupported = Class(rawValue: "0A")
        public static let integrityConstraintViolation = Class(rawValue: "23")
        public static let invalidTransactionState = Class(rawValue: "25")
        public static let invalidSQLStatementName = Class(rawValue: "26")
        public static let invalidAuthorizationSpecification = Class(rawValue: "28")
        public static let dependentPrivilegeDescriptorsStillExist = Class(rawValue: "2B")
        public static let invalidCursorName = Class(rawValue: "34")
        public static let savepointException = Class(rawValue: "3B")
        public static let invalidSchemaName = Class(rawValue: "3F")
        public static let transactionRollback = Class(rawValue: "40")
        public static let syntaxErrorOrAccessRuleViolation = Class(rawValue: "42")
        public static let insufficientResources = Class(rawValue: "53")
        public static let programLimitExceeded = Class(rawValue: "54")
        public static let objectNotInPrerequisiteState = Class(rawValue: "55")
        public static let operatorIntervention = Class(rawValue: "57")
        public static let systemError = Class(rawValue: "58")
        public static let configurationFileError = Class(rawValue: "F0")
        /// Raised by a function, in words of its own.
        public static let plpgsqlError = Class(rawValue: "P0")
    }

    /// The class that it is of.
    public var conditionClass: Class { Class(rawValue: String(rawValue.prefix(2))) }
}

extension SQLState: CustomStringConvertible {
    /// The five characters.
    public var description: String { rawValue }
}
