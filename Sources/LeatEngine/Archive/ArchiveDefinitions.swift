internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import PGWire
internal import Synchronization

/// What an archive has recorded of its source's catalog, as far as it was read: the answers of a
/// source that is not there.
///
/// The reader is a little ahead of the sink, as a server's catalog is ahead of its stream.
final class ArchiveDefinitions: SourceDefinitions {
    private struct State {
        /// The newest last. Equal ones, which every segment repeats, are kept once.
        var catalogs: [ArchivedCatalog] = []
        var server = TypeCatalog.Server()
    }

    /// Older ones are forgotten: what stands in the stream is never so far behind.
    private static let mostCatalogs = 32

    private let state = Mutex(State())

    func add(_ catalog: ArchivedCatalog, of description: ArchiveDescription? = nil) {
        state.withLock { state in
            if let description {
                state.server = TypeCatalog.Server(
                    version: description.serverVersion, encoding: description.serverEncoding)
            }
            guard state.catalogs.last != catalog else { return }
            state.catalogs.append(catalog)
            guard state.catalogs.count > ArchiveDefinitions.mostCatalogs else { return }
            // Its types stay known: values of them may be to come.
            let oldest = state.catalogs.removeFirst()
            let known = Set(state.catalogs[0].types.map(\.oid))
            state.catalogs[0].types += oldest.types.filter { !known.contains($0.oid) }
        }
    }

    /// The newest.
    var catalog: ArchivedCatalog { state.withLock { $0.catalogs.last ?? ArchivedCatalog() } }

    /// All types ever described, as they were last.
    var typeCatalog: TypeCatalog {
        state.withLock { state in
            TypeCatalog(
                state.catalogs.reversed().flatMap { $0.types.compactMap(\.type) },
                server: state.server)
        }
    }

    // MARK: SourceDefinitions

    func settle(for batch: Batch) async throws {}

    func types() async throws -> TypeCatalog { typeCatalog }

    func columns(for relation: Relation) async throws -> [RelationID: [SourceColumn]] {
        state.withLock { state in
            var columns: [RelationID: [SourceColumn]] = [:]
            for table in state.catalogs.last?.tables ?? [] {
                columns[RelationID(rawValue: table.oid)] = table.sourceColumns
            }
            let told = state.catalogs.reversed().lazy.flatMap(\.tables)
                .filter { $0.oid == relation.id.rawValue }.map(\.sourceColumns)
            if let same = told.first(where: { $0.have(shapeOf: relation) }) ?? told.first {
                columns[relation.id] = same
            }
            return columns
        }
    }

    func names(of ids: [RelationID]) async throws -> [RelationID: TableName] {
        let wanted = Set(ids)
        var names: [RelationID: TableName] = [:]
        for table in catalog.tables {
            let id = RelationID(rawValue: table.oid)
            if wanted.contains(id) {
                names[id] = TableName(schema: table.schema, name: table.name)
            }
        }
        return names
    }

    func partitions(under roots: [RelationID]) async throws -> [PartitionCatalog.Definition] { [] }

    /// An archive keeps columns and types, no constraints.
    func rules(of owner: BrokenRule.Owner) async throws -> [SchemaRule]? { nil }
}
