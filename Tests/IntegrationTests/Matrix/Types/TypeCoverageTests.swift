import LeatTestSupport
import Testing

@Suite("Every built-in type that a column can have")
struct TypeCoverageTests {
    @Test("has a case", arguments: PostgresVersion.allCases)
    func covered(_ version: PostgresVersion) async throws {
        let cluster = try await ClusterPool.shared.cluster(version, as: .source)

        // Arrays come with their elements, row types of the catalogs with none of their own.
        let types = try await cluster.sql(
            """
            select typname from pg_type
            where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm', 'e', 'd')
              and typsubscript <> 'array_subscript_handler'::regproc
              or typname in ('int2vector', 'oidvector')
            """
        ).compactMap { $0[0] }

        #expect(types.count > 80)
        #expect(Set(types) == Set(TypeCases.covered))
        #expect(Set(TypeCases.covered).count == TypeCases.covered.count)
    }
}
