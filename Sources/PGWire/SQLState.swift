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
    /// `feature_not_supported`.
    public static let featureNotSupported = SQLState(rawValue: "0A000")
    /// `cardinality_violation`.
    public static let cardinalityViolation = SQLState(rawValue: "21000")
    /// `character_not_in_repertoire`.
    public static let characterNotInRepertoire = SQLState(rawValue: "22021")
    /// `invalid_parameter_value`.
    public static let invalidParameterValue = SQLState(rawValue: "22023")
    /// `untranslatable_character`.
    public static let untranslatableCharacter = SQLState(rawValue: "22P05")
    /// `foreign_key_violation`.
    public static let foreignKeyViolation = SQLState(rawValue: "23503")
    /// `unique_violation`.
    public static let uniqueViolation = SQLState(rawValue: "23505")
    /// `check_violation`; also a row that no partition takes.
    public static let checkViolation = SQLState(rawValue: "23514")
    /// `read_only_sql_transaction`.
    public static let readOnlySQLTransaction = SQLState(rawValue: "25006")
    /// `invalid_authorization_specification`.
    public static let invalidAuthorizationSpecification = SQLState(rawValue: "28000")
    /// `invalid_password`.
    public static let invalidPassword = SQLState(rawValue: "28P01")
    /// `invalid_catalog_name`.
    public static let invalidCatalogName = SQLState(rawValue: "3D000")
    /// `invalid_schema_name`.
    public static let invalidSchemaName = SQLState(rawValue: "3F000")
    /// `serialization_failure`.
    public static let serializationFailure = SQLState(rawValue: "40001")
    /// `deadlock_detected`.
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    /// `insufficient_privilege`.
    public static let insufficientPrivilege = SQLState(rawValue: "42501")
    /// `syntax_error`.
    public static let syntaxError = SQLState(rawValue: "42601")
    /// `undefined_column`.
    public static let undefinedColumn = SQLState(rawValue: "42703")
    /// `undefined_object`.
    public static let undefinedObject = SQLState(rawValue: "42704")
    /// `datatype_mismatch`.
    public static let datatypeMismatch = SQLState(rawValue: "42804")
    /// `generated_always`.
    public static let generatedAlways = SQLState(rawValue: "428C9")
    /// `undefined_table`.
    public static let undefinedTable = SQLState(rawValue: "42P01")
    /// `with_check_option_violation`.
    public static let withCheckOptionViolation = SQLState(rawValue: "44000")
    /// `out_of_memory`.
    public static let outOfMemory = SQLState(rawValue: "53200")
    /// `too_many_connections`.
    public static let tooManyConnections = SQLState(rawValue: "53300")
    /// Such as no free replication slot.
    public static let configurationLimitExceeded = SQLState(rawValue: "53400")
    /// `object_not_in_prerequisite_state`.
    public static let objectNotInPrerequisiteState = SQLState(rawValue: "55000")
    /// `object_in_use`.
    public static let objectInUse = SQLState(rawValue: "55006")
    /// `lock_not_available`.
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    /// `query_canceled`.
    public static let queryCanceled = SQLState(rawValue: "57014")
    /// `admin_shutdown`.
    public static let adminShutdown = SQLState(rawValue: "57P01")
    /// `crash_shutdown`.
    public static let crashShutdown = SQLState(rawValue: "57P02")
    /// `cannot_connect_now`.
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

        /// Connection exception.
        public static let connectionException = Class(rawValue: "08")
        /// Feature not supported.
        public static let featureNotSupported = Class(rawValue: "0A")
        /// Integrity constraint violation.
        public static let integrityConstraintViolation = Class(rawValue: "23")
        /// Invalid transaction state.
        public static let invalidTransactionState = Class(rawValue: "25")
        /// Invalid SQL statement name.
        public static let invalidSQLStatementName = Class(rawValue: "26")
        /// Invalid authorization specification.
        public static let invalidAuthorizationSpecification = Class(rawValue: "28")
        /// Dependent privilege descriptors still exist.
        public static let dependentPrivilegeDescriptorsStillExist = Class(rawValue: "2B")
        /// Invalid cursor name.
        public static let invalidCursorName = Class(rawValue: "34")
        /// Savepoint exception.
        public static let savepointException = Class(rawValue: "3B")
        /// Invalid schema name.
        public static let invalidSchemaName = Class(rawValue: "3F")
        /// Transaction rollback.
        public static let transactionRollback = Class(rawValue: "40")
        /// Syntax error or access rule violation.
        public static let syntaxErrorOrAccessRuleViolation = Class(rawValue: "42")
        /// Insufficient resources.
        public static let insufficientResources = Class(rawValue: "53")
        /// Program limit exceeded.
        public static let programLimitExceeded = Class(rawValue: "54")
        /// Object not in prerequisite state.
        public static let objectNotInPrerequisiteState = Class(rawValue: "55")
        /// Operator intervention.
        public static let operatorIntervention = Class(rawValue: "57")
        /// System error.
        public static let systemError = Class(rawValue: "58")
        /// Configuration file error.
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
