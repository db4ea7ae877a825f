import LeatTestSupport

extension Case {
    /// A query for what cannot be read as a table of the case.
    static let relations = """
        select relname, relkind from pg_class where relnamespace = current_schema()::regnamespace
        order by 1
        """
}

/// Where it is enough to try a case that needs databases of its own.
extension Case {
    static func toSameVersion(_ reason: String) -> Places {
        { $0.source == $0.target ? nil : "\(reason): tried to the same version" }
    }

    static func once(_ reason: String) -> Places {
        { versions in
            versions.source == .v15 && versions.target == .v18
                ? nil : "\(reason): tried from 15 to 18"
        }
    }

    /// In binary form: of a case that is refused before any value is looked at.
    static let regardlessOfForm: Places = { _ in "refused before the form matters" }
}
