internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// What the target's schema lacks beside the source's where the stream does not show it: labels
/// of enums and partitions.
///
/// A value or a row that meets such a gap is refused by the target itself; its message does not
/// say what to run.
struct SchemaGaps {
    let source: any SourceDefinitions
    let applier: Applier
    let tables: [SourceTable]
    /// What makes tables that are missing.
    var dump: SchemaCommand?

    /// The halt with statements for such gaps, if there are any.
    func explain(_ halt: Halt) async -> Halt {
        guard halt.broken == nil else {
            return await LoosenedRules(
                source: source, applier: applier, routes: tables.map(\.route)
            ).explain(halt)
        }
        guard halt.kind == .change || halt.lacksPartition,
            let statements = try? await statements(lacksPartition: halt.lacksPartition)
        else { return halt }
        let halt = await explainTarget(halt)
        let advice = halt.advice ?? ""
        let new = statements.filter { !advice.contains($0) }
        guard !new.isEmpty else { return halt }
        let list =
            "The target lacks what the source has. On the target:\n"
            + new.joined(separator: "\n")
        return Halt(
            halt.exitCode, halt.message, advice: advice.isEmpty ? list : advice + "\n" + list)
    }

    /// With what the target itself knows: which views are in the way, which schemas are missing.
    private func explainTarget(_ halt: Halt) async -> Halt {
        let (dump, routes) = (dump, tables.map(\.route))
        let explained = try? await applier.run { session in
            let explained = try DependentViews.explain(halt, on: session)
            return try dump?.explain(explained, by: routes, on: session) ?? explained
        }
        return explained ?? halt
    }

    private func statements(lacksPartition: Bool) async throws -> [String] {
        let types = try await source.types()
        let target = try await applier.run { try $0.typeCatalog() }
        let rules = applier.handling.renames
        return types.renamed(by: rules, on: target).missingLabels(on: target)
            + (try await missingPartitions(areElsewhere: lacksPartition))
    }

    /// - Parameter areElsewhere: Whether the names may be those of another table's.
    private func missingPartitions(areElsewhere: Bool) async throws -> [String] {
        let roots = tables.filter(\.isPartitioned)
        guard !roots.isEmpty else { return [] }
        let ids = roots.map(\.relation.id)
        let partitions = try await source.partitions(under: ids).map(renamed)
        let names = partitions.flatMap { [$0.name, $0.parent] }
        let there = try await applier.run {
            try TableNames(session: $0).known(oids: [], names: names)
        }
        let inPlace = try await applier.run { try PartitionCatalog(session: $0).parents(of: names) }
        let missing = partitions.filter {
            there[$0.name] == nil || (areElsewhere && inPlace[$0.name] != $0.parent)
        }
        // A table that the source has dropped may have the name.
        let blocked = missing.map(\.name).filter { there[$0] != nil }
        let room =
            blocked.isEmpty
            ? []
            : ["First make room there for \(blocked.map(\.description).joined(separator: ", "))."]
        return room + missing.map(\.statement)
    }

    /// Under the target's names.
    private func renamed(_ partition: PartitionCatalog.Definition) -> PartitionCatalog.Definition {
        var partition = partition
        partition.name = applier.handling.renames.target(of: partition.name)
        partition.parent =
            tables.first { $0.name == partition.parent }?.target
            ?? applier.handling.renames.target(of: partition.parent)
        return partition
    }
}
