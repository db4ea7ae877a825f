package import LeatCore
package import PGClient

/// Which database a session is in, of which cluster.
package struct DatabaseIdentity: Sendable {
    package var systemIdentifier: String
    package var database: String
    package var databaseOID: UInt32?
    package var encoding: String

    package var databaseKey: DatabaseKey { DatabaseKey(name: database, oid: databaseOID) }

    package static func databaseOID(_ session: Session) throws -> UInt32 {
        try session.query(
            """
            select oid from pg_catalog.pg_database
            where datname = pg_catalog.current_database()
            """
        ).id()
    }

    package init(_ session: Session) throws {
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
