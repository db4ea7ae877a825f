/// By which two numbers an advisory lock stands for a stream.
///
/// The stream's own: a constant, and a hash of the name. One that is drawn: a hash of the name with
/// a suffix, and any number.
struct AdvisoryKey {
    private let space: Int32
    private let suffix: String

    /// Of the process that applies.
    static let stream = AdvisoryKey(space: 1_818_583_412, suffix: "/stream")  // "leat" in ASCII
    /// Shared by each side session of a stream.
    static let side = AdvisoryKey(space: 1_818_583_413, suffix: "/side")

    /// - Parameter stream: SQL of its name.
    /// - Returns: Two parameters of a lock function.
    func own(_ stream: String) -> String { "\(space), \(AdvisoryKey.hash(stream))" }

    func drawn(_ stream: String) -> String {
        "\(AdvisoryKey.hash("\(stream) || '\(suffix)'")), \(Int32.random(in: .min ... .max))"
    }

    /// A query of the backends that hold a stream's lock and may write Leat's tables.
    ///
    /// - Parameters:
    ///   - stream: SQL of its name.
    ///   - columns: Of `pg_stat_activity` as `a`, and `pg_locks` as `l`.
    func holders(of stream: String, selecting columns: String) -> String {
        let (own, drawn) = (AdvisoryKey.hash(stream), AdvisoryKey.hash("\(stream) || '\(suffix)'"))
        return """
            select \(columns)
            from pg_catalog.pg_locks l
            join pg_catalog.pg_stat_activity a on a.pid = l.pid
            where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
              and l.database = (select d.oid from pg_catalog.pg_database d
                where d.datname = pg_catalog.current_database())
              and (l.classid = \(space)::pg_catalog.oid and l.objid = \(AdvisoryKey.oid(own))
                or l.classid = \(AdvisoryKey.oid(drawn)))
              and \(AdvisoryKey.mayBeLeat)
            """
    }

    private static func hash(_ text: String) -> String { "pg_catalog.hashtext(\(text))" }

    /// As `pg_locks` shows it.
    private static func oid(_ key: String) -> String {
        "(\(key)::pg_catalog.int8 & 4294967295)::pg_catalog.oid"
    }

    /// Before there is a table: the same role, or a superuser.
    private static let mayBeLeat = """
        coalesce(
          pg_catalog.has_table_privilege(
            a.usesysid, pg_catalog.to_regclass('leat.progress')::pg_catalog.oid, 'update'),
          (select r.rolsuper or r.rolname = current_user from pg_catalog.pg_roles r
            where r.oid = a.usesysid))
        """
}
