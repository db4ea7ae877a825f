internal import PGWire

/// What of an error may be printed.
///
/// A message may quote a value, in any language and with or without quotes; so it is printed only
/// where it is known to hold none. That is decided by what is never translated: the SQLSTATE, the
/// fields, the server's function that has raised it. Of the rest there is the name of the condition.
extension ServerError {
    /// Raised by, or within, code of the database's own (a trigger's function, one in a CHECK):
    /// it says what it likes, with whatever SQLSTATE.
    public var isFromFunction: Bool { sqlState.conditionClass == .plpgsqlError || !isDirect }

    /// The message, or what can be said instead; without a hint and a SQLSTATE.
    public var printable: String { isPrintable ? message : concealed }

    /// The same of a statement that carries values of rows, some of which name tables, types and
    /// functions (`regclass`).
    public var withoutValues: ServerError {
        guard !(namesOnly || isDirect && ServerError.isWithoutValues(sqlState)) else { return self }
        var error = self
        (error.message, error.hint) = (concealed, nil)
        return error
    }

    /// Message, hint and SQLSTATE, whatever is in them: only where values were asked for.
    public var whole: String { text(message, hint: hint) }

    var isPrintable: Bool {
        if namesOnly { return true }
        guard isDirect else { return false }
        return ServerError.isWithoutValues(sqlState)
            || (context == nil || isOfWalsender) && ServerError.isAboutNames(sqlState)
    }

    func text(_ message: String, hint: String?) -> String {
        "\(message) [\(sqlState)]\(hint.map { " (hint: \($0))" } ?? "")"
    }

    private var concealed: String {
        let name = ConditionNames.name(of: sqlState) ?? "error"
        guard !isFromFunction else {
            return "a function of the server refused it, in words that may hold values "
                + "(\(name)\(place))"
        }
        return "\(name)\(place)\(encodings), in words that may hold values"
    }

    private var place: String {
        let object = [schema, table ?? dataType].compactMap { $0 }.joined(separator: ".")
        let parts = [
            object.isEmpty ? nil : " on \(object)", column.map { ", column \($0)" },
            constraint.map { ", constraint \($0)" },
        ]
        return parts.compactMap { $0 }.joined()
    }

    /// What an encoding lacks is shown in hexadecimal digits; its name stands in any language.
    private var encodings: String {
        guard [.characterNotInRepertoire, .untranslatableCharacter].contains(sqlState) else {
            return ""
        }
        let words = message.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        let found = words.filter(ServerError.encodingNames.contains)
        return found.isEmpty ? "" : " (\(found.joined(separator: ", ")))"
    }

    // MARK: Decisions

    /// Nothing but the statement itself is around it. The words of a context are translated; that it
    /// is one of these can be seen all the same: a COPY, which is named first (`COPY t, line 3`), a
    /// parameter (`unnamed portal parameter $2`), a walsender's change (`..., associated LSN 0/16B3748`).
    private var isDirect: Bool {
        guard let context, !context.isEmpty else { return true }
        return context.hasPrefix("COPY ")
            || context.wholeMatch(of: #/[^\n(]*\$[0-9]+/#) != nil
            || isOfWalsender
    }

    /// There code of the database's own does not run, and values are not read.
    private var isOfWalsender: Bool {
        context?.wholeMatch(of: #/[^\n(]*[0-9A-F]+\/[0-9A-F]+/#) != nil
    }

    private var namesOnly: Bool { ServerError.naming.contains(function ?? "") }

    /// The server's functions whose messages name nothing but objects of the catalog.
    private static let naming: Set = [
        "aclcheck_error", "get_publication_oid", "GetPublicationByName", "LoadPublications",
    ]

    /// Classes of "PostgreSQL Error Codes" whose messages speak of the server, the session or a
    /// constraint. (Their details quote rows.)
    private static let harmlessClasses: Set<SQLState.Class> = [
        .connectionException, .integrityConstraintViolation, .invalidTransactionState,
        .invalidAuthorizationSpecification, .transactionRollback, .insufficientResources,
        .programLimitExceeded, .objectNotInPrerequisiteState, .operatorIntervention,
    ]
    private static let harmless: Set<SQLState> = [
        .cardinalityViolation, .invalidCatalogName, .insufficientPrivilege, .undefinedColumn,
        .datatypeMismatch, .generatedAlways, .withCheckOptionViolation,
    ]

    private static func isWithoutValues(_ sqlState: SQLState) -> Bool {
        harmlessClasses.contains(sqlState.conditionClass) || harmless.contains(sqlState)
    }

    /// Such as `relation "x" does not exist`: where no values are, it is a name.
    private static func isAboutNames(_ sqlState: SQLState) -> Bool {
        guard sqlState != .syntaxError else { return false }
        return [
            .featureNotSupported, .invalidSQLStatementName,
            .dependentPrivilegeDescriptorsStillExist, .invalidCursorName, .savepointException,
            .invalidSchemaName, .syntaxErrorOrAccessRuleViolation, .systemError,
            .configurationFileError,
        ].contains(sqlState.conditionClass)
    }

    private static let encodingNames: Set = [
        "BIG5", "EUC_CN", "EUC_JIS_2004", "EUC_JP", "EUC_KR", "EUC_TW", "GB18030", "GBK",
        "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "JOHAB", "KOI8R", "KOI8U", "LATIN1",
        "LATIN10", "LATIN2", "LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9",
        "MULE_INTERNAL", "SHIFT_JIS_2004", "SJIS", "SQL_ASCII", "UHC", "UTF8", "WIN1250", "WIN1251",
        "WIN1252", "WIN1253", "WIN1254", "WIN1255", "WIN1256", "WIN1257", "WIN1258", "WIN866",
        "WIN874",
    ]
}

extension ConnectionError {
    /// Without what the server may have quoted of a row.
    public var withoutValues: ConnectionError {
        var error = self
        error.server = server?.withoutValues
        if let server = error.server { error.message = server.message }
        return error
    }
}
