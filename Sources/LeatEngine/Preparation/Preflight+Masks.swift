internal import LeatCatalogs
internal import LeatCore
internal import PGClient

extension Preflight {
    /// - Throws: ``Halt`` (exit code 6) for masks whose values the target would not take, or not find
    ///   again.
    static func checkMasks(
        of tables: [SourceTable], by ways: Ways, on session: Session
    ) throws {
        var problems: [Halt] = []
        for table in tables where !table.masks.isEmpty {
            guard let plan = ways.plans[table.name] else { continue }
            var fit = MaskFit(table.masks, of: table.columns, by: plan, types: ways.targetTypes)
            for constant in fit.constants where try !takes(constant, on: session) {
                fit.refuse(constant)
            }
            if let halt = fit.halt { problems.append(halt) }
        }
        guard !problems.isEmpty else { return }
        throw combined(problems)
    }

    /// Whether a type's own input function, and a domain's rules, take a constant as it is: a cast would
    /// cut one that is too long.
    private static func takes(_ constant: MaskFit.Constant, on session: Session) throws -> Bool {
        let value = constant.value.map(SQLText.literal) ?? "null"
        do {
            let text = try session.query(
                "select (\(value)::\(constant.type))::pg_catalog.text as text, "
                    + "pg_catalog.pg_typeof(\(value)::\(constant.type))::pg_catalog.text as type"
            ).onlyRecord()
            guard let value = constant.value, try isCut(text, from: value) else { return true }
            return false
        } catch let error as ConnectionError where error.code == .server {
            return false
        }
    }

    private static func isCut(_ row: Record, from value: String) throws -> Bool {
        guard try ["character varying", "character"].contains(row.text("type")) else {
            return false
        }
        return try row.text("text").unicodeScalars.count < value.unicodeScalars.count
            && row.text("type") == "character varying"
            || row.text("text").unicodeScalars.count < trimmed(value).unicodeScalars.count
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text.unicodeScalars[...]
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
