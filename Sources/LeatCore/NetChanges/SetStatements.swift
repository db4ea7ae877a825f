internal import PGWire

/// The SQL that applies the net changes of one relation as sets.
///
/// Deletes and updates are copied into a staging table first and applied from there by one
/// statement each; inserts are copied into the table itself. Measured against arrays as
/// parameters (`unnest`), a staging table costs the target half as much for a row of ten
/// columns, takes every type as it is, and needs one form of rows only, that of COPY.
public struct SetStatements: Sendable {
    /// What the staging table's first column says of a row. Where whole rows are deleted it is how
    /// many of them.
    public enum Operation {
        public static let delete = 0
        /// An update that sends all columns; each other set of columns has a number above.
        public static let update = 1
    }

    /// The most columns a staging table is made for: with one more than a table may have it
    /// could not be created.
    public static let mostColumns = 1500

    let plan: RelationPlan
    private let staging: String

    /// - Parameter staging: Name of the staging table, in schema `pg_temp`.
    public init(_ plan: RelationPlan, staging: String) {
        self.plan = plan
        self.staging = staging
    }

    private var key: (columns: [Int], operators: [String]) {
        guard case .key(let columns, let operators) = plan.identity else {
            preconditionFailure("only a table with a key is staged")
        }
        return (columns, operators)
    }

    var target: String { plan.target.only + plan.target.name.quoted }

    func name(_ column: Int) -> String { SQLText.identifier(plan.columns[column].name) }

    /// Makes every set find its rows by the index of the key, row by row: a staging table is
    /// never analysed, a target table just filled looks small, and the plan is kept. A scan
    /// stays possible where there is no other way.
    public static let planSettings = """
        set plan_cache_mode = force_generic_plan; set jit = off; set enable_seqscan = off;
        set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
        set enable_material = off; set max_parallel_workers_per_gather = 0
        """

    // MARK: Staging

    /// Columns with the target's types, without any of its constraints: a delete sends the key
    /// alone. So a domain, which may be NOT NULL, stands as what it is made of.
    public var createStaging: String {
        let columns = plan.columns.indices.map { index in
            "t.\(name(index))\(plan.columns[index].comparisonCast) as c\(index)"
        }
        return """
            create temporary table \(SQLText.identifier(staging)) on commit delete rows as \
            select 0::pg_catalog.int2 as operation, \(columns.joined(separator: ", ")) \
            from \(target) t with no data
            """
    }

    /// - Parameter columns: Indexes of the columns sent, in the order of sending.
    public func copyToStaging(_ columns: [Int], binary: Bool) -> String {
        let names = ["operation"] + columns.map { "c\($0)" }
        return SetStatements.copy(qualifiedStaging, columns: names, isBinary: binary)
    }

    var qualifiedStaging: String { "pg_temp.\(SQLText.identifier(staging))" }

    private static func copy(_ table: String, columns: [String], isBinary binary: Bool) -> String {
        let format = binary ? " with (format binary)" : ""
        return "copy \(table) (\(columns.joined(separator: ", "))) from stdin\(format)"
    }

    // MARK: Statements

    public func delete() -> String {
        """
        delete from \(target) t using \(qualifiedStaging) w \
        where w.operation = \(Operation.delete) and \(keyCondition)
        """
    }

    /// The key stays as it is: an update that changes it is a delete and an insert, or a
    /// statement of its own.
    ///
    /// - Parameter unchanged: Columns that the rows of this operation do not send.
    /// - Returns: Nil if there is nothing to set.
    public func update(operation: Int, unchanged: [Int]) -> String? {
        let key = Set(key.columns)
        let sent = plan.columns.indices.filter { !unchanged.contains($0) && !key.contains($0) }
        let assignments = sent.filter { !plan.columns[$0].isIdentityAlways }
            .map { "\(name($0)) = w.c\($0)" }
        guard !assignments.isEmpty else { return nil }
        // What cannot be written must not have changed: else the row is not found.
        let conditions = sent.filter { plan.columns[$0].isIdentityAlways }
            .map { " and t.\(name($0)) is not distinct from w.c\($0)" }
        return """
            update \(target) t set \(assignments.joined(separator: ", ")) \
            from \(qualifiedStaging) w \
            where w.operation = \(operation) and \(keyCondition)\(conditions.joined())
            """
    }

    private var keyCondition: String { keyCondition(on: key.columns, with: key.operators) }

    func keyCondition(on columns: [Int], with operators: [String]) -> String {
        zip(columns, operators)
            .map { "t.\(name($0))\(plan.columns[$0].comparisonCast) \($1) w.c\($0)" }
            .joined(separator: " and ")
    }

    /// COPY writes values into GENERATED ALWAYS identity columns as `overriding system value`
    /// does.
    public static func copyRows(_ plan: RelationPlan, binary: Bool) -> String {
        copy(
            plan.target.name.quoted, columns: plan.columns.map { SQLText.identifier($0.name) },
            isBinary: binary)
    }
}
