internal import LeatCore
internal import PGClient

/// Which database a session is in, of which cluster.
struct DatabaseIdentity: Sendable {
    var systemIdentifier: String
    var database: String
    var databaseOID: UInt32?
    var encoding: String

    var databaseKey: DatabaseKey { DatabaseKey(name: database, oid: databaseOID) }

    static func databaseOID(_ session: Session) throws -> UInt32 {
        try session.query(
            """
            select oid from pg_catalog.pg_database
            where datname = pg_catalog.current_database()
            """
        ).id()
    }

    init(_ session: Session) throws {
        let row = try session.query(
            """
            select (select system_identifier from pg_catalog.pg_control_system()),
              pg_catalog.current_database() as database,
              pg_catalog.current_setting('server_encoding') as encoding
            """
        ).onlyRecord()
        systemIdentifier = try row.text("system_identifier")
        database = try row.text("database")
        encoding = try row.text("encoding")
        databaseOID = try DatabaseIdentity.databaseOID(session)
    }
}
