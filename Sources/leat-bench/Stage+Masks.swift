import LeatCore
import PGWire

extension Stage {
    /// A batch's rows with one column masked, as a flow has it done: with `hash`, the dearest, of the
    /// widest text, or of the key.
    @Sendable static func mask(_ workload: Workload) throws -> Int {
        var rows = 0
        for batch in workload.batches {
            let masks = batch.relations.map(masks)
            var batch = batch
            for change in batch.changes where change.kind.isRow {
                guard let masks = masks[Int(change.relation)] else { throw unmasked }
                try masks.mask(change.old.range, in: &batch.columns, arena: &batch.bytes)
                try masks.mask(change.new.range, in: &batch.columns, arena: &batch.bytes)
                rows += 1
            }
        }
        return rows
    }

    /// The same for rows of a COPY, which are read before and written again behind.
    @Sendable static func copyMasked(_ workload: Workload) throws -> Int {
        var rows = 0
        let buffer = CopyBuffer(isBinary: false)
        for (relation, payloads) in workload.copies {
            guard let masks = masks(of: relation) else { throw unmasked }
            let order = Array(relation.columns.indices)
            var decoder = CopyDecoder(isBinary: false, columnCount: order.count)
            for payload in payloads {
                payload.withUnsafeBytes { decoder.append($0) }
                while try decoder.next() {
                    try masks.mask(
                        0..<order.count, in: &decoder.columns, arena: &decoder.bytes)
                    if buffer.append(decoder.columns, order: order, arena: decoder.bytes) {
                        rows += 1
                    }
                    if buffer.count >= Workload.chunkBytes { buffer.removeAll() }
                }
            }
            try decoder.finish()
        }
        return rows
    }

    private static let unmasked = Incomplete(description: "a relation has no mask")

    private static let types = TypeCatalog([
        CatalogType(oid: 20, schema: "pg_catalog", name: "int8", kind: .base, category: "N"),
        CatalogType(oid: 23, schema: "pg_catalog", name: "int4", kind: .base, category: "N"),
        CatalogType(oid: 25, schema: "pg_catalog", name: "text", kind: .base, category: "S"),
        CatalogType(oid: 1042, schema: "pg_catalog", name: "bpchar", kind: .base, category: "S"),
    ])

    private static func masks(of relation: Relation) -> RowMasks? {
        let columns = relation.columns.enumerated().map { index, column in
            SourceColumn(number: index + 1, name: column.name, typeOID: column.typeOID)
        }
        let column = columns.last { $0.typeOID == 25 } ?? columns[0]
        let table = TableName(relation)
        guard
            let rules = try? MaskRules(
                ["\(table.listed).\"\(column.name)\"=hash"], key: "the key of a measurement"),
            let stored = try? rules.masks(
                of: .init(table, names: [table], columns: columns), types: types)
        else { return nil }
        return TableMasks(
            table, masks: stored, key: rules.key, types: types, now: columns, known: KnownColumns()
        ).rows(of: columns)
    }
}
