internal import LeatCore
package import PGClient

extension Session {
    /// The role of the session, quoted, as it stands in a GRANT.
    package func role() throws -> String {
        SQLText.identifier(try query("select current_user").text())
    }
}
